//! Making accounts and setting passwords: where a password becomes a hash.

use std::sync::Arc;

use super::password_rules::{WeakPassword, require_strong};
use crate::domain::account::{AccountName, EmailAddress};
use crate::domain::credential::NewPassword;
use crate::domain::principal::UserId;
use crate::ports::accounts::{AccountError, NewUser, StoredPassword, UserChange, Users};
use crate::ports::passwords::{HashError, PasswordHasher};

/// Why an account was not made or changed.
#[derive(Debug, thiserror::Error)]
pub enum ManageAccountError {
    /// The account cannot be as asked.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The password is easily guessed.
    #[error(transparent)]
    Weak(#[from] WeakPassword),
    /// The password could not be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

/// Makes accounts.
pub struct ManageAccounts {
    /// Where they are kept.
    pub users: Arc<dyn Users>,
    /// Hashes passwords.
    pub hasher: Arc<dyn PasswordHasher>,
    /// How many characters a new password has at least.
    pub min_password_length: usize,
}

/// An account to be made.
pub struct AccountRequest {
    /// The name.
    pub name: AccountName,
    /// The e-mail address.
    pub email: EmailAddress,
    /// The password.
    pub password: NewPassword,
    /// Whether the user may push.
    pub certified: bool,
    /// Whether the user is an administrator.
    pub administrator: bool,
}

impl ManageAccounts {
    /// Makes an account and gives its number.
    pub async fn add(&self, request: AccountRequest) -> Result<UserId, ManageAccountError> {
        let least = self.min_password_length;
        require_strong(&request.password, least, &request.name, Some(&request.email))?;
        let password = self.stored(&request.password).await?;
        let user = NewUser {
            name: request.name,
            email: Some(request.email),
            password: Some(password),
            certified: request.certified,
            administrator: request.administrator,
            robot_of: None,
        };
        Ok(self.users.add_user(&user).await?)
    }

    /// Gives an account a new password, which ends every login with the old one.
    pub async fn set_password(
        &self,
        name: &AccountName,
        password: &NewPassword,
    ) -> Result<(), ManageAccountError> {
        let user = self.users.user(name).await.map_err(AccountError::from)?;
        let user = user.ok_or_else(|| AccountError::NoSuchUser(name.clone()))?;
        require_strong(password, self.min_password_length, name, user.email.as_ref())?;
        let password = self.stored(password).await?;
        Ok(self.users.change_user(name, &UserChange::Password(password)).await?)
    }

    async fn stored(&self, password: &NewPassword) -> Result<StoredPassword, HashError> {
        let hash = self.hasher.hash(password.password().clone()).await?;
        Ok(StoredPassword { hash, shapes: password.shapes() })
    }
}
