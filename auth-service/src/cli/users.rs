//! Looking up a user by name.

use super::output::Failure;
use crate::adapters::store::Store;
use crate::domain::account::AccountName;
use crate::domain::principal::UserId;
use crate::ports::accounts::{AccountError, Users as _};

/// The number of the user called `name`.
pub(super) async fn number_of(store: &Store, name: &AccountName) -> Result<UserId, Failure> {
    let user = store.user(name).await?.ok_or_else(|| AccountError::NoSuchUser(name.clone()))?;
    Ok(user.id)
}
