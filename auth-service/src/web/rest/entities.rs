//! Projects and repositories, as programs see them.

use std::cmp::Ordering;

use serde::Serialize;

use super::RestApi;
use super::answer::{Answer, RestError};
use super::call::Call;
use super::profile::ANONYMOUS;
use crate::domain::access::AccessKind;
use crate::domain::decision::ItemRights;
use crate::domain::login::Caller;
use crate::domain::principal::UserId;
use crate::domain::repository::{Item, RepositoryName};
use crate::ports::entities::Entity;
use crate::ports::items::TagRecord;

/// The parent of every project: the root of Synapse's tree.
const ROOT: &str = "syn4489";

/// A project or repository.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EntityBody {
    concrete_type: &'static str,
    id: String,
    name: String,
    parent_id: String,
    created_on: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<String>,
    #[serde(flatten)]
    docker: Option<DockerBody>,
}

/// What only a repository has.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DockerBody {
    repository_name: String,
    is_managed: bool,
}

/// `GET /repo/v1/entity/{id}`
pub(super) async fn show(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let entity = found(api, call).await?;
    let (concrete_type, parent_id, docker) = match &entity.item {
        Item::Project(_) => ("org.sagebionetworks.repo.model.Project", ROOT.to_owned(), None),
        Item::Repository(name) => {
            let docker =
                DockerBody { repository_name: format!("{}/{name}", api.public.host), is_managed: true };
            let concrete_type = "org.sagebionetworks.repo.model.docker.DockerRepository";
            (concrete_type, name.project().to_string(), Some(docker))
        }
    };
    Answer::of(&EntityBody {
        concrete_type,
        id: entity.id.to_string(),
        name: entity.name,
        parent_id,
        created_on: entity.created_at.to_string(),
        created_by: entity.created_by.map(|user| user.to_string()),
        docker,
    })
}

/// The item of the path, which may have been removed since the caller was admitted.
async fn found(api: &RestApi, call: &Call) -> Result<Entity, RestError> {
    let entity = api.browse_items.entity(call.entity_id()?).await?;
    entity.ok_or_else(|| RestError::NotFound("it was removed just now".to_owned()))
}

/// The caller's rights. The client reads each of these, so that none may be left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "it is the shape of Synapse")]
struct PermissionsBody {
    can_view: bool,
    can_edit: bool,
    can_move: bool,
    can_add_child: bool,
    can_certified_user_edit: bool,
    can_certified_user_add_child: bool,
    is_certified_user: bool,
    can_change_permissions: bool,
    can_change_settings: bool,
    can_delete: bool,
    can_download: bool,
    can_upload: bool,
    can_enable_inheritance: bool,
    can_public_read: bool,
    can_moderate: bool,
    is_certification_required: bool,
    is_entity_open_data: bool,
    owner_principal_id: i64,
}

impl PermissionsBody {
    fn of(rights: &ItemRights<'_>, owner: Option<UserId>) -> Self {
        let may = |kind| rights.may(kind);
        let item = rights.item();
        Self {
            can_view: may(AccessKind::Read),
            can_edit: may(AccessKind::Update),
            can_move: may(AccessKind::Update) && may(AccessKind::ChangePermissions),
            can_add_child: may(AccessKind::Create),
            can_certified_user_edit: rights.given().has(AccessKind::Update),
            can_certified_user_add_child: rights.given().has(AccessKind::Create),
            is_certified_user: rights.is_certified(),
            can_change_permissions: may(AccessKind::ChangePermissions),
            can_change_settings: may(AccessKind::ChangeSettings),
            can_delete: may(AccessKind::Delete),
            can_download: may(AccessKind::Download),
            can_upload: matches!(rights.caller(), Caller::User(..)),
            can_enable_inheritance: matches!(item.item, Item::Repository(_))
                && may(AccessKind::ChangePermissions),
            can_public_read: item.sharing().access_of(None).has(AccessKind::Read),
            can_moderate: may(AccessKind::Moderate),
            is_certification_required: rights.requires_certification(),
            is_entity_open_data: item.is_open_data(),
            owner_principal_id: owner.map_or(ANONYMOUS, UserId::number),
        }
    }
}

/// `GET /repo/v1/entity/{id}/permissions`: what the caller may do.
pub(super) async fn permissions(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let rights = call.rights(api.policy)?;
    let entity = found(api, call).await?;
    Answer::of(&PermissionsBody::of(&rights, entity.created_by))
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TagsBody {
    total_number_of_results: usize,
    results: Vec<TagBody>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TagBody {
    tag: String,
    digest: String,
    created_on: String,
}

impl From<&TagRecord> for TagBody {
    fn from(record: &TagRecord) -> Self {
        Self {
            tag: record.tag.to_string(),
            digest: record.digest.to_string(),
            created_on: record.moved_at.to_string(),
        }
    }
}

/// `GET /repo/v1/entity/{id}/dockerTag`: the tags of a repository, with the digests that they point to now.
pub(super) async fn tags(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let name = repository(call.rights(api.policy)?)?;
    let order = TagOrder::of(call)?;
    let (offset, limit) = (call.number("offset", 0, 0..=usize::MAX)?, call.number("limit", 10, 1..=100)?);
    let tags = api.browse_items.tags(name).await?;
    let mut tags = tags.ok_or_else(|| RestError::NotFound("it was removed just now".to_owned()))?;
    tags.sort_by(|one, other| order.compare(one, other));
    Answer::of(&TagsBody {
        total_number_of_results: tags.len(),
        results: tags.iter().skip(offset).take(limit).map(TagBody::from).collect(),
    })
}

fn repository(rights: ItemRights<'_>) -> Result<&RepositoryName, RestError> {
    match &rights.item().item {
        Item::Repository(name) => Ok(name),
        Item::Project(project) => Err(RestError::BadRequest(format!(
            "{project} is a project, which has no tags; name one of its repositories"
        ))),
    }
}

/// The order of a list of tags. Tags that moved at the same time are in the order of their names.
struct TagOrder {
    by_name: bool,
    ascending: bool,
}

impl TagOrder {
    fn of(call: &Call) -> Result<Self, RestError> {
        // Synapse's documentation calls it sortBy.
        let by_name = match call.query("sort").or_else(|| call.query("sortBy")).as_deref() {
            None | Some("CREATED_ON") => false,
            Some("TAG") => true,
            Some(_) => return Err(RestError::BadRequest("sort can be CREATED_ON or TAG".to_owned())),
        };
        let ascending = match call.query("ascending").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(RestError::BadRequest("ascending can be true or false".to_owned())),
        };
        Ok(Self { by_name, ascending })
    }

    fn compare(&self, one: &TagRecord, other: &TagRecord) -> Ordering {
        let by_time = if self.by_name { Ordering::Equal } else { one.moved_at.cmp(&other.moved_at) };
        let ascending = by_time.then_with(|| one.tag.cmp(&other.tag));
        if self.ascending { ascending } else { ascending.reverse() }
    }
}
