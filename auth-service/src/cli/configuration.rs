//! `auth-service config …`

use serde_json::json;

use super::arguments::ConfigCommand;
use super::output::{Failure, Report};
use crate::bootstrap::{look_at_everything, warnings};
use crate::config::{Faults, Loaded};

pub(super) fn run(command: ConfigCommand, loaded: Result<Loaded, Faults>) -> Result<Report, Failure> {
    let loaded =
        loaded.map_err(|faults| Failure::Usage(format!("the configuration has faults:\n{faults}")))?;
    let file = loaded.file.as_ref().map(|file| file.display().to_string());
    match command {
        ConfigCommand::Check => {
            let faults = |text: String| Failure::Usage(format!("the configuration has faults:\n{text}"));
            let found = super::in_runtime(async { Ok(look_at_everything(&loaded.settings).await) })?;
            if !found.faults.is_empty() {
                return Err(faults([found.faults, found.missing].concat().join("\n")));
            }
            let read = file.as_deref().unwrap_or("no file, only defaults and environment");
            let warnings = warnings(&loaded.settings);
            let told = warnings.iter().map(|warning| format!("\nWarning: {warning}."));
            let missing = found.missing.iter().map(|missing| format!("\nMissing: {missing}."));
            let told = told.chain(missing);
            Ok(Report::new(
                format!("The configuration is good ({read}).{}", told.collect::<String>()),
                json!({"good": true, "file": file, "warnings": warnings, "missing": found.missing}),
            ))
        }
        ConfigCommand::Show => {
            let lines: Vec<String> = loaded
                .shown
                .iter()
                .map(|shown| {
                    format!("{} = {}  # {}", shown.key, shown.value.as_deref().unwrap_or("-"), shown.origin)
                })
                .collect();
            let values: Vec<_> = loaded
                .shown
                .iter()
                .map(|shown| json!({"key": shown.key, "value": shown.value, "origin": shown.origin}))
                .collect();
            Ok(Report::new(lines.join("\n"), values.into()))
        }
    }
}
