//! Section `[registry]`: the registry that this service guards.

use url::Url;

use super::fault::Noted;
use super::key::{Key, Preset, Section};
use super::kind::{ContactAddress, RegistryHost, WebAddress};
use super::reader::Reader;

pub(super) const SECTION: Section = Section {
    name: "registry",
    doc: "The registry that this service guards.",
    keys: &[&HOST, &URL, &CONTACT],
};

const HOST: Key<RegistryHost> = Key {
    name: "registry.host",
    kind: RegistryHost,
    preset: Preset::Text("127.0.0.1:5000"),
    doc: "What people write before the first slash of an image name.",
};

const URL: Key<WebAddress> = Key {
    name: "registry.url",
    kind: WebAddress { is_base: true },
    preset: Preset::Text("http://127.0.0.1:5000"),
    doc: "Where this service reaches the registry.",
};

const CONTACT: Key<ContactAddress> = Key {
    name: "registry.contact",
    kind: ContactAddress,
    preset: Preset::Unset,
    doc: "Whom people can ask; shown in every refusal that tells them to ask an administrator or an owner.",
};

/// The registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registry {
    /// The first part of image names, in lower case.
    pub host: String,
    /// Where this service reaches it; the path ends with a slash, so that `join("v2/")` appends.
    pub url: Url,
    /// Whom people can ask: an e-mail address or a web page.
    pub contact: Option<String>,
}

pub(super) fn read(reader: &mut Reader) -> Result<Registry, Noted> {
    let host = reader.required(&HOST);
    let url = reader.required(&URL);
    let contact = reader.optional(&CONTACT);
    Ok(Registry { host: host?, url: url?, contact: contact? })
}
