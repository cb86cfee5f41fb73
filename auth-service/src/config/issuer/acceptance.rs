//! How an issuer's tokens are verified, and for whom they must have been made.

use super::super::fault::Noted;
use super::super::kind::{Choice, FilePath, Flag, ForeignSecret, Kind, Text, Texts};
use super::super::reader::Reader;
use super::super::secret::Secret;
use super::super::setting::{Preset, Setting};

pub(super) const VERIFY: Setting<Choice<Verification>> = Setting {
    name: "login.issuer.*.verify",
    kind: Choice {
        options: &[
            ("jwt", Verification::WebToken),
            ("jwt+introspection", Verification::WebTokenAndIntrospection),
            ("introspection", Verification::Introspection),
            ("userinfo", Verification::UserInfo),
        ],
    },
    preset: Preset::Text("jwt"),
    doc: "How a token is checked: by its signature, so and by introspection for scopes that it does not name, by introspection alone, or by asking whose it is.",
};

pub(super) const AUDIENCE: Setting<Texts> = Setting {
    name: "login.issuer.*.audience",
    kind: Texts { may_be_empty: true, example: "[\"registry.example.org\"]" },
    preset: Preset::Text(""),
    doc: "For whom a token must have been made, as in its claim `aud`. Either this or `clients` is needed, or a token made for any other service would do.",
};

pub(super) const CLIENTS: Setting<Texts> = Setting {
    name: "login.issuer.*.clients",
    kind: Texts { may_be_empty: true, example: "[\"ci\", \"notebooks\"]" },
    preset: Preset::Text(""),
    doc: "The client ids whose tokens are accepted.",
};

pub(super) const ACCEPT_TOKENS_OF_ANY_CLIENT: Setting<Flag> = Setting {
    name: "login.issuer.*.accept_tokens_of_any_client",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Has to be true with `verify = \"userinfo\"`, which cannot tell for whom a token was made, and only then.",
};

pub(super) const CLIENT_ID: Setting<Text> = Setting {
    name: "login.issuer.*.client_id",
    kind: Text,
    preset: Preset::Unset,
    doc: "The client that this service is to the issuer; introspection needs it.",
};

pub(super) const CLIENT_SECRET: Setting<ForeignSecret> = Setting {
    name: "login.issuer.*.client_secret",
    kind: ForeignSecret,
    preset: Preset::Unset,
    doc: "The secret of that client.",
};

pub(super) const CLIENT_SECRET_FILE: Setting<FilePath> = Setting {
    name: "login.issuer.*.client_secret_file",
    kind: FilePath,
    preset: Preset::Unset,
    doc: "A file that holds `client_secret`.",
};

/// How a token is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// As a JWT, by its signature.
    WebToken,
    /// As a JWT, and one without a claim of scopes is completed by introspection.
    WebTokenAndIntrospection,
    /// By asking the issuer what it is worth.
    Introspection,
    /// By asking the issuer whose it is.
    UserInfo,
}

impl Verification {
    /// The word for it in the configuration, as a setting.
    pub(super) fn setting(self) -> String {
        format!("verify = \"{}\"", VERIFY.kind.show(&self))
    }
}

/// What this service proves itself with to the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientLogin {
    /// The client id.
    pub id: String,
    /// The client's secret.
    pub secret: Secret,
}

/// For whom tokens must have been made, and who asks about them.
pub(super) struct Acceptance {
    pub(super) audiences: Vec<String>,
    pub(super) clients: Vec<String>,
    pub(super) client: Option<ClientLogin>,
}

pub(super) fn read(reader: &mut Reader, verification: Option<Verification>) -> Result<Acceptance, Noted> {
    let audiences = reader.required(&AUDIENCE);
    let clients = reader.required(&CLIENTS);
    let any_client = reader.required(&ACCEPT_TOKENS_OF_ANY_CLIENT);
    let client = client_login(reader, verification);
    let (audiences, clients, any_client) = (audiences?, clients?, any_client?);
    let given = [(AUDIENCE.name, audiences.is_empty()), (CLIENTS.name, clients.is_empty())];
    match verification {
        Some(Verification::UserInfo) => check_of_anybody(reader, given, any_client),
        Some(other) => check_receiver(reader, given, any_client, other),
        None => {}
    }
    Ok(Acceptance { audiences, clients, client: client? })
}

/// The answer to whose a token is says nothing of the service that it was given to.
fn check_of_anybody(reader: &mut Reader, given: [(&str, bool); 2], any_client: bool) {
    let setting = Verification::UserInfo.setting();
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

fn check_receiver(reader: &mut Reader, given: [(&str, bool); 2], any_client: bool, by: Verification) {
    if any_client {
        let problem = format!("is true, and {} can tell for whom a token was made", by.setting());
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
    verification: Option<Verification>,
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
            Some(by @ (Verification::Introspection | Verification::WebTokenAndIntrospection)) => {
                let problem = format!("is not set, and {} needs it", by.setting());
                let cure = "write the client id and client_secret that the issuer has for this service";
                Err(reader.fault(CLIENT_ID.name, &problem, cure))
            }
            _ => Ok(None),
        },
    }
}
