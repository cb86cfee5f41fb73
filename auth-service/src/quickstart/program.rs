//! Finding the stock registry, and making sure that it is one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::bail;
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::programs_named;

/// Where `deploy/quickstart.sh` unpacks Debian's package, below the data folder.
const UNPACKED: &str = "registry-package/usr/bin/docker-registry";
/// What the program is called: by Debian, and by the project itself.
const NAMES: [&str; 2] = ["docker-registry", "registry"];
/// How long `--version` may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The registry's program: the one that is named, else the one that the script unpacked, else the first on
/// the search path.
pub(super) async fn find(named: Option<&Path>, data: &Path) -> anyhow::Result<PathBuf> {
    if let Some(named) = named {
        let path = std::path::absolute(named)?;
        return match version(&path).await {
            Ok(text) if is_distribution(&text) => Ok(path),
            Ok(_) => bail!(
                "{} is not the distribution registry; name another with --registry-binary",
                path.display()
            ),
            Err(error) => {
                bail!("cannot run {}: {error}; name another with --registry-binary", path.display())
            }
        };
    }
    let on_path = NAMES.into_iter().flat_map(programs_named);
    for path in std::iter::once(data.join(UNPACKED)).chain(on_path) {
        if version(&path).await.is_ok_and(|text| is_distribution(&text)) {
            return Ok(path);
        }
    }
    bail!(
        "there is no registry on this machine: start with deploy/quickstart.sh, which fetches one, or install \
         Debian's package docker-registry, or name a program with --registry-binary"
    )
}

/// What a program answers to `--version`, whichever way it ends: 3.x ends with an error when tracing is off.
async fn version(path: &Path) -> std::io::Result<String> {
    let mut command = Command::new(path);
    command.arg("--version").env_clear().stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(TIMEOUT, command.output()).await??;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
}

/// `… github.com/docker/distribution 2.8.3+ds1` or `… github.com/distribution/distribution/v3 v3.1.1`.
fn is_distribution(version: &str) -> bool {
    version.contains("github.com/docker/distribution")
        || version.contains("github.com/distribution/distribution")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_generations_are_known_and_others_are_not() {
        for (text, expected) in [
            ("/usr/bin/docker-registry github.com/docker/distribution 2.8.3+ds1", true),
            ("registry github.com/distribution/distribution/v3 v3.1.1", true),
            ("registry 1.0", false),
            ("", false),
        ] {
            assert_eq!(is_distribution(text), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn a_program_that_is_missing_or_another_one_is_refused_in_one_sentence() {
        let data = tempfile::tempdir().unwrap();
        for (named, expected) in
            [("/nonexistent/registry", "cannot run"), ("/bin/true", "is not the distribution")]
        {
            let refusal = find(Some(Path::new(named)), data.path()).await.err().unwrap().to_string();
            assert!(refusal.contains(expected) && !refusal.contains('\n'), "{refusal}");
        }
    }
}
