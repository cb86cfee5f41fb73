//! The account behind an issuer's token, and what the token allows.

use super::super::fault::Noted;
use super::super::kind::{Flag, Text};
use super::super::reader::Reader;
use super::super::setting::{Preset, Setting};
use super::scope_word::SCOPES;
use crate::domain::login_scope::LoginScope;

pub(super) const SUBJECT_CLAIM: Setting<Text> = Setting {
    name: "login.issuer.*.subject_claim",
    kind: Text,
    preset: Preset::Text("sub"),
    doc: "The claim that identifies a user permanently. An account is linked to the issuer and the value of this claim.",
};

pub(super) const NAME_CLAIM: Setting<Text> = Setting {
    name: "login.issuer.*.name_claim",
    kind: Text,
    preset: Preset::Text("preferred_username"),
    doc: "The claim that supplies the name of a newly created account. It is never used to look up an existing account.",
};

pub(super) const EMAIL_CLAIM: Setting<Text> = Setting {
    name: "login.issuer.*.email_claim",
    kind: Text,
    preset: Preset::Text("email"),
    doc: "The claim that supplies the e-mail address of a newly created account. It is ignored if the token has `email_verified` with a value other than true.",
};

pub(super) const CREATE_ACCOUNTS: Setting<Flag> = Setting {
    name: "login.issuer.*.create_accounts",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Whether the first token of an unknown subject creates an account. Such an account has no password, is not certified and is not an administrator.",
};

/// The account behind a token, and what the token allows.
pub(super) struct Accounts {
    pub(super) scopes: Vec<(String, LoginScope)>,
    pub(super) subject_claim: String,
    pub(super) name_claim: String,
    pub(super) email_claim: String,
    pub(super) are_created: bool,
}

pub(super) fn read(reader: &mut Reader) -> Result<Accounts, Noted> {
    let scopes = reader.required(&SCOPES);
    let subject_claim = reader.required(&SUBJECT_CLAIM);
    let name_claim = reader.required(&NAME_CLAIM);
    let email_claim = reader.required(&EMAIL_CLAIM);
    let are_created = reader.required(&CREATE_ACCOUNTS);
    Ok(Accounts {
        scopes: scopes?,
        subject_claim: subject_claim?,
        name_claim: name_claim?,
        email_claim: email_claim?,
        are_created: are_created?,
    })
}
