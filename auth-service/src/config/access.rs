//! Section `[access]`: who may do what, beyond the permissions of projects and repositories.

use super::fault::Noted;
use super::kind::{Choice, Flag};
use super::reader::Reader;
use super::setting::{Preset, Section, Setting};
use crate::domain::decision::{AccessPolicy, Certification};

pub(super) const SECTION: Section = Section {
    name: "access",
    doc: "Rules beyond the permissions of projects and repositories.",
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
    doc: "What only certified users may do: every push, only first pushes (`create`), or nothing (`off`).",
};

const ANONYMOUS_PULL: Setting<Flag> = Setting {
    name: "access.anonymous_pull",
    kind: Flag,
    preset: Preset::Text("false"),
    doc: "Whether open data with READ for PUBLIC can be pulled without a login.",
};

pub(super) fn read(reader: &mut Reader) -> Result<AccessPolicy, Noted> {
    let certification = reader.required(&CERTIFICATION);
    let anonymous_pull = reader.required(&ANONYMOUS_PULL);
    Ok(AccessPolicy { certification: certification?, anonymous_pull: anonymous_pull? })
}
