//! `auth-service key …`: signing keys from the command line.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use crate::adapters::signing::{ImportRequest, KeyDirectory, KeyEntry, KeyError, SigningAlgorithm};
use crate::domain::time::Timestamp;

/// The signing keys of the token service.
#[derive(Clone, Debug, Subcommand)]
pub enum KeyCommand {
    /// Create a CA and a first signing key
    Init {
        /// How tokens are signed
        #[arg(long, value_enum, ignore_case = true, default_value = "ES256")]
        algorithm: AlgorithmName,
        /// Write the CA's private key to this new file, outside the key directory. Certificates are then
        /// valid for 90 days instead of 7, and you must run `key rotate --ca-key FILE` in time; otherwise
        /// `serve` renews them by itself
        #[arg(long, value_name = "FILE")]
        ca_key: Option<PathBuf>,
    },
    /// Sign with an existing key: PEM in PKCS#8, PKCS#1 or SEC1 form, without a passphrase
    Import {
        /// The private key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Its certificate, which is added to the bundle of `key export-ca` [default: one from the CA in the
        /// key directory]
        #[arg(long, value_name = "FILE")]
        certificate: Option<PathBuf>,
        /// The certificates of its issuers, which are sent with each token and not added to the bundle
        #[arg(long, value_name = "FILE", requires = "certificate")]
        ca: Option<PathBuf>,
        /// The CA's private key, if it is not in the key directory
        #[arg(long, value_name = "FILE", conflicts_with = "certificate")]
        ca_key: Option<PathBuf>,
    },
    /// Create a new signing key and destroy the old one; the registry needs no restart
    Rotate {
        /// The signature algorithm [default: as before]
        #[arg(long, value_enum, ignore_case = true)]
        algorithm: Option<AlgorithmName>,
        /// The CA's private key, if it is not in the key directory; the certificate is then valid for 90 days
        /// instead of 7, because `serve` cannot renew it
        #[arg(long, value_name = "FILE")]
        ca_key: Option<PathBuf>,
    },
    /// Show the active key, the CA, and former keys whose tokens may still be valid
    List,
    /// Print the CA certificate for the registry's `auth.token.rootcertbundle`
    ExportCa {
        /// Write it to this file
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}

/// A signing algorithm as the command line spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AlgorithmName {
    /// Small and fast
    #[value(name = "ES256")]
    Es256,
    /// For verifiers that know RSA only
    #[value(name = "RS256")]
    Rs256,
}

impl From<AlgorithmName> for SigningAlgorithm {
    fn from(name: AlgorithmName) -> Self {
        match name {
            AlgorithmName::Es256 => Self::Es256,
            AlgorithmName::Rs256 => Self::Rs256,
        }
    }
}

/// What a command has to say, for people and for programs.
#[derive(Clone, Debug)]
pub struct Report {
    /// Lines for a terminal, without the last line feed.
    pub human: String,
    /// The one value of `--json`.
    pub json: Value,
}

/// Runs a command on the keys in `directory`; printing is left to the caller.
pub fn run(command: &KeyCommand, directory: &Path, now: Timestamp) -> Result<Report, KeyError> {
    let keys = KeyDirectory::new(directory);
    match command {
        KeyCommand::Init { algorithm, ca_key } => {
            let entry = keys.init((*algorithm).into(), ca_key.as_deref(), now)?;
            let advice = "Let the registry trust it";
            Ok(changed(&format!("Made the {} key", entry.algorithm), &entry, advice, &keys))
        }
        KeyCommand::Import { key, certificate, ca, ca_key } => {
            let request = ImportRequest {
                key,
                certificate: certificate.as_deref(),
                chain: ca.as_deref(),
                ca_key: ca_key.as_deref(),
            };
            let entry = keys.import(request, now)?;
            let advice = "If this changed the bundle, restart the registry with it";
            Ok(changed(&format!("Imported the {} key", entry.algorithm), &entry, advice, &keys))
        }
        KeyCommand::Rotate { algorithm, ca_key } => {
            let entry = keys.rotate(algorithm.map(Into::into), ca_key.as_deref(), now)?;
            let advice = "The registry needs no restart; it still trusts";
            Ok(changed(&format!("Switched to the new {} key", entry.algorithm), &entry, advice, &keys))
        }
        KeyCommand::List => Ok(listed(&keys.list(now)?)),
        KeyCommand::ExportCa { out } => exported(&keys, out.as_deref()),
    }
}

fn changed(what: &str, entry: &KeyEntry, advice: &str, keys: &KeyDirectory) -> Report {
    let bundle = keys.bundle_path();
    let mut json = entry.to_json();
    json["bundle_file"] = bundle.to_string_lossy().into();
    Report {
        human: format!(
            "{what} {}, valid until {}.\n{advice}: auth.token.rootcertbundle: {}",
            entry.kid,
            entry.not_after,
            bundle.display()
        ),
        json,
    }
}

fn listed(entries: &[KeyEntry]) -> Report {
    let lines: Vec<String> = entries.iter().map(line).collect();
    Report { human: lines.join("\n"), json: entries.iter().map(KeyEntry::to_json).collect() }
}

fn line(entry: &KeyEntry) -> String {
    let state = match entry.retired {
        Some(time) => format!("retired {time}"),
        None if entry.active => "active".to_owned(),
        None => String::new(),
    };
    let (kind, span) = (entry.kind.name(), format!("{} to {}", entry.not_before, entry.not_after));
    format!("{:8} {} {} {span} {state}", kind, entry.algorithm, entry.kid).trim_end().to_owned()
}

fn exported(keys: &KeyDirectory, out: Option<&Path>) -> Result<Report, KeyError> {
    let bundle = keys.bundle()?;
    let Some(out) = out else {
        return Ok(Report { human: bundle.trim_end().to_owned(), json: json!({ "bundle": bundle }) });
    };
    keys.export_bundle(out)?;
    let path = out.to_string_lossy();
    Ok(Report {
        human: format!("Wrote {path}: the registry's auth.token.rootcertbundle"),
        json: json!({ "bundle": bundle, "bundle_file": path }),
    })
}
