//! How an issuer's tokens are verified, and for whom they must have been issued.

use super::super::fault::Noted;
use super::super::kind::{Choice, FilePath, Flag, ForeignSecret, Kind, Text, Texts};
use super::super::reader::Reader;
use super::super::secret::Secret;
use super::super::setting::{Preset, Setting};
use crate::domain::foreign::VerificationMethod;

pub(super) const VERIFY: Setting<Choice<VerificationMethod>> = Setting {
    name: "login.issuer.*.verify",
    kind: Choice {
        options: &[
            ("jwt", VerificationMethod::WebToken),
            ("jwt+introspection", VerificationMethod::WebTokenAndIntrospection),
            ("introspection", VerificationMethod::Introspection),
            ("userinfo", VerificationMethod::UserInfo),
        ],
    },
    preset: Preset::Text("jwt"),
    doc: "How a token is verified. `jwt`: by its signature. `jwt+introspection`: by its signature, and by introspection if it names no scope or is opaque. `introspection`: always by introspection. `userinfo`: by asking the issuer whose it is.",
};

pub(super) const AUDIENCE: Setting<Texts> = Setting {
    name: "login.issuer.*.audience",
    kind: Texts { may_be_empty: true, example: "[\"registry.example.org\"]" },
    preset: Preset::Text(""),
    doc: "The audiences (claim `aud`) for which a token must have been issued. Set this or `clients`; otherwise a token that was issued for any other service would be accepted.",
};

pub(super) const CLIENTS: Setting<Texts> = Setting {
    name: "login.issuer.*.clients",
    kind: Texts { may_be_empty: true, example: "[\"ci\", \"notebooks\"]" },
    preset: Preset::Text(""),
    doc: "The client ids to which a token must have been issued.",
};

pub(super) const ACCEPT_TOKENS_OF_ANY_CLIENT: Setting<Flag> = Setting {
    name: "login.issuer.*.accept_tokens_of_any_client",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Required to be `true` with `verify = \"userinfo\"`, because user info does not show for which service a token was issued. Not allowed with any other `verify`.",
};

pub(super) const CLIENT_ID: Setting<Text> = Setting {
    name: "login.issuer.*.client_id",
    kind: Text,
    preset: Preset::Unset,
    doc: "The client id with which this service authenticates to the issuer. Introspection needs it.",
};

pub(super) const CLIENT_SECRET: Setting<ForeignSecret> = Setting {
    name: "login.issuer.*.client_secret",
    kind: ForeignSecret,
    preset: Preset::Unset,
    doc: "The secret of `client_id`.",
};

pub(super) const CLIENT_SECRET_FILE: Setting<FilePath> = Setting {
    name: "login.issuer.*.client_secret_file",
    kind: FilePath,
    preset: Preset::Unset,
    doc: "A file that holds `client_secret`.",
};

/// The word for it in the configuration, as a setting.
pub(super) fn setting_of(verification: VerificationMethod) -> String {
    format!("verify = \"{}\"", VERIFY.kind.show(&verification))
}

/// How this service authenticates to the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLogin {
    /// The client id.
    pub id: String,
    /// The client's secret.
    pub secret: Secret,
}

/// For whom tokens must have been issued, and as which client they are introspected.
pub(super) struct Acceptance {
    pub(super) audiences: Vec<String>,
    pub(super) clients: Vec<String>,
    pub(super) client: Option<ClientLogin>,
}

pub(super) fn read(
    reader: &mut Reader,
    verification: Option<VerificationMethod>,
) -> Result<Acceptance, Noted> {
    let audiences = reader.required(&AUDIENCE);
    let clients = reader.required(&CLIENTS);
    let any_client = reader.required(&ACCEPT_TOKENS_OF_ANY_CLIENT);
    let client = client_login(reader, verification);
    let (audiences, clients, any_client) = (audiences?, clients?, any_client?);
    let given = [(AUDIENCE.name, audiences.is_empty()), (CLIENTS.name, clients.is_empty())];
    match verification {
        Some(VerificationMethod::UserInfo) => check_of_anybody(reader, given, any_client),
        Some(other) => check_receiver(reader, given, any_client, other),
        None => {}
    }
    Ok(Acceptance { audiences, clients, client: client? })
}

/// User info does not say to which service a token was issued.
fn check_of_anybody(reader: &mut Reader, given: [(&str, bool); 2], any_client: bool) {
    let setting = setting_of(VerificationMethod::UserInfo);
    if !any_client {
        let problem = format!("is not true, and {setting} cannot tell for whom a token was made");
        let cure = "set it to true, if a token that was given to any other service shall log in here, or verify \
                    in another way";
        reader.fault(ACCEPT_TOKENS_OF_ANY_CLIENT.name, &problem, cure);
    }
    for (key, is_empty) in given {
        if !is_empty {
            let problem = format!("is set, and {setting} cannot check it");
            reader.fault(key, &problem, "remove it, or verify in another way");
        }
    }
}

fn check_receiver(reader: &mut Reader, given: [(&str, bool); 2], any_client: bool, by: VerificationMethod) {
    if any_client {
        let problem = format!("is true, and {} can tell for whom a token was made", setting_of(by));
        reader.fault(ACCEPT_TOKENS_OF_ANY_CLIENT.name, &problem, "remove it, and set audience or clients");
    } else if given.iter().all(|(_, is_empty)| *is_empty) {
        let clients = reader.full_name(CLIENTS.name);
        let problem = format!("is not set, nor is {clients}, so that a token made for any service would do");
        let cure = "name this service as the issuer's tokens do in `aud`, or the clients that get them";
        reader.fault(AUDIENCE.name, &problem, cure);
    }
}

fn client_login(
    reader: &mut Reader,
    verification: Option<VerificationMethod>,
) -> Result<Option<ClientLogin>, Noted> {
    let id = reader.optional(&CLIENT_ID);
    let secret = reader.or_in_file(&CLIENT_SECRET, &CLIENT_SECRET_FILE);
    match (id?, secret?) {
        (Some(id), Some(secret)) => Ok(Some(ClientLogin { id, secret })),
        (Some(_), None) => Err(reader.alone(CLIENT_ID.name, CLIENT_SECRET.name)),
        (None, Some(_)) => {
            let in_file = reader.is_set(CLIENT_SECRET_FILE.name);
            let given = if in_file { CLIENT_SECRET_FILE.name } else { CLIENT_SECRET.name };
            Err(reader.alone(given, CLIENT_ID.name))
        }
        (None, None) => match verification {
            Some(by @ (VerificationMethod::Introspection | VerificationMethod::WebTokenAndIntrospection)) => {
                let problem = format!("is not set, and {} needs it", setting_of(by));
                let cure = "write the client id and client_secret that the issuer has for this service";
                Err(reader.fault(CLIENT_ID.name, &problem, cure))
            }
            _ => Ok(None),
        },
    }
}
