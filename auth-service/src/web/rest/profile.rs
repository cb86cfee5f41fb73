//! Who is asking: what the Synapse client logs in with.

use serde_json::{Value, json};

use super::RestApi;
use super::answer::{Answer, RestError};
use super::call::Call;
use crate::domain::account::EmailAddress;
use crate::domain::login::Caller;
use crate::ports::accounts::User;

/// The number that stands for nobody in particular.
pub(super) const ANONYMOUS: i64 = 273_950;

/// `GET /repo/v1/userProfile`: the caller's own, or that of nobody.
pub(super) async fn own(api: &RestApi, call: &Call) -> Result<Answer, RestError> {
    let caller = call.admitted.as_ref().ok_or(RestError::NotLoggedIn)?.caller();
    let Caller::User(user, _) = caller else { return Answer::of(&anonymous()) };
    // An account that is removed at this moment.
    let user = api.users.user_numbered(user.id).await?.ok_or(RestError::NotLoggedIn)?;
    Answer::of(&profile(&user))
}

fn profile(user: &User) -> Value {
    let emails: Vec<&str> = user.email.iter().map(EmailAddress::as_str).collect();
    json!({
        "ownerId": user.id.to_string(),
        "userName": user.name.as_str(),
        "emails": emails,
        "firstName": "",
        "lastName": "",
        "createdOn": user.created_at.to_string(),
    })
}

fn anonymous() -> Value {
    json!({"ownerId": ANONYMOUS.to_string(), "userName": "anonymous", "emails": [], "firstName": "", "lastName": ""})
}
