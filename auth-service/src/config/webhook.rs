//! Section `[webhook]`: the registry's notifications.

use super::Purpose;
use super::fault::Noted;
use super::kind::{FilePath, Kind, SecretText};
use super::reader::Reader;
use super::secret::Secret;
use super::setting::{Preset, Section, Setting};

pub(super) const SECTION: Section =
    Section { name: "webhook", doc: "The registry's webhook.", keys: &[&SECRET, &SECRET_FILE] };

const SECRET: Setting<SecretText> = Setting {
    name: "webhook.secret",
    kind: SecretText { minimum: 32 },
    preset: Preset::Unset,
    doc: "The secret that the registry sends, as in its `notifications.endpoints`. Required by `serve`.",
};

const SECRET_FILE: Setting<FilePath> = Setting {
    name: "webhook.secret_file",
    kind: FilePath,
    preset: Preset::Unset,
    doc: "A file that holds `webhook.secret`.",
};

/// The registry's notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// What the registry proves itself with; always there when loaded to serve.
    pub secret: Option<Secret>,
}

pub(super) fn read(reader: &mut Reader, purpose: Purpose) -> Result<Webhook, Noted> {
    let secret = reader.or_in_file(&SECRET, &SECRET_FILE)?;
    if secret.is_none() && purpose == Purpose::Serve {
        let cure = format!("write {}, or name a file in webhook.secret_file", SECRET.kind.describe());
        return Err(reader.fault(SECRET.name, "is not set, and serving needs it", &cure));
    }
    Ok(Webhook { secret })
}
