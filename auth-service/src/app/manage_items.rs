//! Projects and who may do what: from the names that people write to the numbers that are stored.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::raise_numbers::{NumbersUnknown, RaiseNumbers};
use crate::domain::access::{AccessKind, AccessSet};
use crate::domain::account::AccountName;
use crate::domain::facts::LifeState;
use crate::domain::principal::PrincipalId;
use crate::domain::project::{ProjectId, ProjectName};
use crate::domain::repository::Item;
use crate::ports::StorageError;
use crate::ports::accounts::{Principals, Users};
use crate::ports::items::{AccessChange, ItemError, Items, SharingSettings};

/// Somebody that sharing settings can name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalName {
    /// Everybody.
    Public,
    /// Everybody who is logged in.
    AuthenticatedUsers,
    /// A user or team.
    Account(AccountName),
}

impl PrincipalName {
    /// Reads a name, or one of the two groups' keywords.
    pub fn parse(text: &str) -> Result<Self, crate::domain::account::BadAccountName> {
        match text.trim().to_ascii_uppercase().as_str() {
            "PUBLIC" => Ok(Self::Public),
            "AUTHENTICATED_USERS" => Ok(Self::AuthenticatedUsers),
            _ => AccountName::parse(text).map(Self::Account),
        }
    }
}

/// One row of an item's sharing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SharingRow {
    /// The principal's name; its number when the account is gone.
    pub principal: String,
    /// The principal's number.
    #[serde(rename = "principalId")]
    pub principal_id: i64,
    /// What it may do.
    #[serde(rename = "accessType")]
    pub access: Vec<&'static str>,
}

/// The sharing of an item, with names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SharingReport {
    /// The item.
    #[serde(rename = "id")]
    pub item: String,
    /// The project whose settings hold, when the item has none of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benefactor: Option<String>,
    /// The rows.
    #[serde(rename = "resourceAccess")]
    pub rows: Vec<SharingRow>,
}

/// Why an item was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ManageItemError {
    /// There is no such principal.
    #[error("there is no user or team {0}")]
    NoSuchPrincipal(AccountName),
    /// There is no such user.
    #[error("there is no user {0}")]
    NoSuchUser(AccountName),
    /// A project needs a person who can be asked.
    #[error("{0} is a robot account, which cannot own a project; name a person as its owner")]
    RobotOwner(AccountName),
    /// PUBLIC can be given nothing else.
    #[error("PUBLIC can be given READ only; to let people pull without a login see open-data")]
    PublicBeyondRead,
    /// Only repositories can follow another item's sharing.
    #[error("a project always has sharing settings of its own; --local and --inherit are for repositories")]
    ProjectFollowsNothing,
    /// The item cannot be as asked.
    #[error(transparent)]
    Item(#[from] ItemError),
    /// Numbers may not be drawn yet.
    #[error(transparent)]
    Numbers(#[from] NumbersUnknown),
    /// The database failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Manages projects and sharing.
pub struct ManageItems {
    /// Projects and repositories.
    pub items: Arc<dyn Items>,
    /// Their sharing.
    pub sharing: Arc<dyn SharingSettings>,
    /// Finds owners.
    pub users: Arc<dyn Users>,
    /// Finds principals.
    pub principals: Arc<dyn Principals>,
    /// Sees to it that numbers may be drawn.
    pub numbers: Arc<RaiseNumbers>,
    /// Most rows of one item's sharing.
    pub most_rows: usize,
}

impl ManageItems {
    /// Makes a project that `owner` may do everything with.
    pub async fn add_project(
        &self,
        name: &ProjectName,
        owner: &AccountName,
    ) -> Result<ProjectId, ManageItemError> {
        let user = self.users.user(owner).await?.ok_or_else(|| ManageItemError::NoSuchUser(owner.clone()))?;
        if user.robot_of.is_some() {
            return Err(ManageItemError::RobotOwner(owner.clone()));
        }
        self.numbers.ensure().await?;
        Ok(self.items.add_project(name, user.id).await?)
    }

    /// Changes what a principal may do with an item.
    pub async fn set_access(
        &self,
        item: &Item,
        principal: &PrincipalName,
        change: AccessChange,
    ) -> Result<(), ManageItemError> {
        let read: AccessSet = [AccessKind::Read].into_iter().collect();
        if let (PrincipalName::Public, AccessChange::Add(kinds)) = (principal, change)
            && kinds != read
        {
            return Err(ManageItemError::PublicBeyondRead);
        }
        let principal = self.principal(principal).await?;
        Ok(self.sharing.set_access(item, principal, change, self.most_rows).await?)
    }

    /// Gives a repository sharing settings of its own, beginning with a copy of its project's, or takes them away.
    pub async fn set_local_sharing(&self, item: &Item, local: bool) -> Result<(), ManageItemError> {
        let Item::Repository(name) = item else { return Err(ManageItemError::ProjectFollowsNothing) };
        Ok(self.sharing.set_local_sharing(name, local).await?)
    }

    /// Puts an item into the trash, or takes it out.
    pub async fn set_life_state(&self, item: &Item, state: LifeState) -> Result<(), ManageItemError> {
        Ok(self.items.set_life_state(item, state).await?)
    }

    /// Sets whether READ is enough to pull.
    pub async fn set_open_data(&self, item: &Item, open_data: bool) -> Result<(), ManageItemError> {
        Ok(self.items.set_open_data(item, open_data).await?)
    }

    async fn principal(&self, name: &PrincipalName) -> Result<PrincipalId, ManageItemError> {
        match name {
            PrincipalName::Public => Ok(PrincipalId::PUBLIC),
            PrincipalName::AuthenticatedUsers => Ok(PrincipalId::AUTHENTICATED_USERS),
            PrincipalName::Account(name) => {
                let found = self.principals.principal(name).await?;
                found.ok_or_else(|| ManageItemError::NoSuchPrincipal(name.clone()))
            }
        }
    }

    /// The sharing that holds for an item, with names.
    pub async fn sharing(&self, item: &Item) -> Result<SharingReport, ManageItemError> {
        let found = self.sharing.sharing(item).await?.ok_or_else(|| ItemError::NoSuchItem(item.clone()))?;
        let ids: Vec<PrincipalId> = found.sharing.rows().iter().map(|(principal, _)| *principal).collect();
        let mut names: HashMap<PrincipalId, String> = self
            .principals
            .principal_names(&ids)
            .await?
            .into_iter()
            .map(|(id, name)| (id, name.to_string()))
            .collect();
        names.insert(PrincipalId::PUBLIC, "PUBLIC".to_owned());
        names.insert(PrincipalId::AUTHENTICATED_USERS, "AUTHENTICATED_USERS".to_owned());
        let row = |(id, kinds): &(PrincipalId, AccessSet)| SharingRow {
            principal: names.get(id).cloned().unwrap_or_else(|| id.to_string()),
            principal_id: id.number(),
            access: kinds.names(),
        };
        Ok(SharingReport {
            item: item.to_string(),
            benefactor: (!found.own).then(|| item.project().to_string()),
            rows: found.sharing.rows().iter().map(row).collect(),
        })
    }
}
