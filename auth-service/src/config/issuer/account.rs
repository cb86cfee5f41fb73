//! Whose an issuer's token is, and what it allows.

use super::super::fault::Noted;
use super::super::kind::{Flag, Text};
use super::super::reader::Reader;
use super::super::setting::{Preset, Setting};
use super::ScopeWord;
use super::scope_word::SCOPES;

pub(super) const SUBJECT_CLAIM: Setting<Text> = Setting {
    name: "login.issuer.*.subject_claim",
    kind: Text,
    preset: Preset::Text("sub"),
    doc: "The claim that tells users apart for ever; an account is linked to the issuer and its value.",
};

pub(super) const NAME_CLAIM: Setting<Text> = Setting {
    name: "login.issuer.*.name_claim",
    kind: Text,
    preset: Preset::Text("preferred_username"),
    doc: "The claim that proposes a name when an account is made; it never finds one.",
};

pub(super) const EMAIL_CLAIM: Setting<Text> = Setting {
    name: "login.issuer.*.email_claim",
    kind: Text,
    preset: Preset::Text("email"),
    doc: "The claim that gives the e-mail address when an account is made; not taken if `email_verified` is there and not true.",
};

pub(super) const CREATE_ACCOUNTS: Setting<Flag> = Setting {
    name: "login.issuer.*.create_accounts",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Whether the first token of a new subject makes an account, neither certified nor an administrator's.",
};

/// Whose a token is, and what it allows.
pub(super) struct Accounts {
    pub(super) scopes: Vec<(String, ScopeWord)>,
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
