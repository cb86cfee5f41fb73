//! Section `[access]`: who may do what, beyond the permissions of projects and repositories.

use super::fault::Noted;
use super::kind::{Choice, Flag};
use super::reader::Reader;
use super::setting::{Preset, Section, Setting};

pub(super) const SECTION: Section = Section {
    name: "access",
    doc: "Who may do what, beyond the permissions of projects and repositories.",
    keys: &[&CERTIFICATION, &ANONYMOUS_PULL],
};

const CERTIFICATION: Setting<Choice<Certification>> = Setting {
    name: "access.certification",
    kind: Choice {
        options: &[
            ("push", Certification::Push),
            ("create", Certification::Create),
            ("off", Certification::Off),
        ],
    },
    preset: Preset::Text("push"),
    doc: "What only certified users may do: every push, only the push that creates a repository, or nothing special.",
};

const ANONYMOUS_PULL: Setting<Flag> = Setting {
    name: "access.anonymous_pull",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Whether open data that is readable by PUBLIC can be pulled without a login.",
};

/// Rules beyond the permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// What only certified users may do.
    pub certification: Certification,
    /// Whether open data can be pulled without a login.
    pub anonymous_pull: bool,
}

/// What only certified users may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certification {
    /// Every push.
    Push,
    /// The push that creates a repository.
    Create,
    /// Nothing.
    Off,
}

pub(super) fn read(reader: &mut Reader) -> Result<Access, Noted> {
    let certification = reader.required(&CERTIFICATION);
    let anonymous_pull = reader.required(&ANONYMOUS_PULL);
    Ok(Access { certification: certification?, anonymous_pull: anonymous_pull? })
}
