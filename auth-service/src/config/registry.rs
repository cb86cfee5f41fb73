//! Section `[registry]`: the registry that this service guards.

use url::Url;

use super::fault::Noted;
use super::kind::{ContactAddress, Flag, RegistryHost, WebAddress};
use super::reader::Reader;
use super::setting::{Preset, Section, Setting};
use crate::domain::network::is_on_this_machine;

pub(super) const SECTION: Section =
    Section { name: "registry", doc: "The registry.", keys: &[&HOST, &URL, &PLAIN_HTTP, &CONTACT] };

const HOST: Setting<RegistryHost> = Setting {
    name: "registry.host",
    kind: RegistryHost,
    preset: Preset::Text("127.0.0.1:5000"),
    doc: "The part of an image name before the first slash.",
};

const URL: Setting<WebAddress> = Setting {
    name: "registry.url",
    kind: WebAddress { is_base: true },
    preset: Preset::Text("http://127.0.0.1:5000"),
    doc: "Where this service reaches the registry.",
};

const CONTACT: Setting<ContactAddress> = Setting {
    name: "registry.contact",
    kind: ContactAddress,
    preset: Preset::Unset,
    doc: "The contact that refusals name when they send their reader to an administrator.",
};

const PLAIN_HTTP: Setting<Flag> = Setting {
    name: "registry.plain_http",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Allows `http` in `registry.url` to another machine, inside a private network. The tokens sent there open the whole registry.",
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
    let plain_http = reader.required(&PLAIN_HTTP);
    let contact = reader.optional(&CONTACT);
    let (url, plain_http) = (url?, plain_http?);
    if url.scheme() == "http" && !is_on_this_machine(&url) && !plain_http {
        let cure =
            "use https, or, if it is reached through a private network alone, set registry.plain_http = true";
        return Err(reader.fault(URL.name, "is not https, so that others could read the token for it", cure));
    }
    Ok(Registry { host: host?, url, contact: contact? })
}
