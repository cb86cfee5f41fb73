//! What is printed when everything is up: where things are, and lines to copy into another terminal.

use std::net::SocketAddr;
use std::path::Path;

use serde_json::json;

use super::contents::{Contents, SAMPLE_FILE};
use crate::domain::project::ProjectId;

/// Everything that there is to tell.
pub(super) struct Announcement<'a> {
    /// Where tokens are handed out.
    pub(super) service: SocketAddr,
    /// Where events are taken and counters are shown.
    pub(super) operations: SocketAddr,
    /// What image names begin with.
    pub(super) host: &'a str,
    /// The data folder.
    pub(super) data: &'a Path,
    /// The configuration for other commands.
    pub(super) configuration: &'a Path,
    /// This program.
    pub(super) program: &'a Path,
    /// Whom and what to try it with.
    pub(super) contents: &'a Contents,
    /// A project in use; `None` when all are in the trash.
    pub(super) project: Option<ProjectId>,
}

impl Announcement<'_> {
    /// One line for programs.
    pub(super) fn json(&self) -> String {
        let contents = self.contents;
        json!({
            "http": self.service.to_string(),
            "ops": self.operations.to_string(),
            "registry": self.host,
            "data": self.data,
            "config": self.configuration,
            "user": contents.user.as_ref().map(ToString::to_string),
            "password_file": contents.password_file,
            "project": self.project.map(|project| project.to_string()),
        })
        .to_string()
    }

    /// For people: what runs where, then lines to copy.
    pub(super) fn text(&self) -> String {
        let Self { service, operations, host, contents, .. } = self;
        let mut text = format!(
            "\nThe registry and auth-service are running. Ctrl-C stops both.\n\n\
             \x20 registry    {host}\n\
             \x20 tokens      http://{service}/token\n\
             \x20 operations  http://{operations}/metrics\n\
             \x20 data        {}\n",
            self.data.display()
        );
        if let Some(file) = &contents.password_file
            && let Some(user) = &contents.user
        {
            text.extend(["  password    of ", user.as_str(), ", as it was made: in "]);
            text.extend([&file.to_string_lossy(), "\n"]);
        }
        for (title, lines) in self.blocks() {
            text.extend(["\n", title, ":\n\n"]);
            text.extend(lines.iter().flat_map(|line| ["  ", line, "\n"]));
        }
        text
    }

    fn blocks(&self) -> Vec<(&'static str, Vec<String>)> {
        let command = format!("{} --config {}", quoted(self.program), quoted(self.configuration));
        let Some((user, project)) = self.contents.user.as_ref().zip(self.project) else {
            let lines = ["user list", "project list"].map(|words| format!("{command} {words}"));
            return vec![("What there is", lines.into())];
        };
        let repository = format!("{project}/hello");
        let seen = vec![
            format!("{command} repository tags {repository}"),
            format!("{command} explain --user {user} repository:{repository}:pull,push"),
        ];
        vec![
            (
                "Make an image, push it and pull it, with docker",
                self.client("docker", "", user.as_str(), &repository),
            ),
            ("With podman", self.client("podman", " --tls-verify=false", user.as_str(), &repository)),
            ("See what happened", seen),
        ]
    }

    /// The engine's own `import` makes the image: there may be no network to pull one from.
    fn client(&self, client: &str, option: &str, user: &str, repository: &str) -> Vec<String> {
        let host = self.host;
        let image = format!("{host}/{repository}:v1");
        let sample = quoted(&self.contents.sample);
        let login = match &self.contents.password_file {
            Some(file) => {
                format!("{client} login{option} -u {user} --password-stdin {host} < {}", quoted(file))
            }
            None => format!("{client} login{option} -u {user} {host}"),
        };
        vec![
            format!("tar -C {sample} -c {SAMPLE_FILE} | {client} import - {image}"),
            login,
            format!("{client} push{option} {image}"),
            format!("{client} rmi {image}"),
            format!("{client} pull{option} {image}"),
        ]
    }
}

/// A path as one word of a shell.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%".contains(&byte);
    match text.bytes().all(is_plain) {
        true => text.into_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::AccountName;

    fn contents() -> Contents {
        Contents {
            user: Some(AccountName::parse("admin").unwrap()),
            password_file: Some("/tmp/it's here/admin-password".into()),
            sample: "/tmp/it's here/sample".into(),
        }
    }

    fn announcement(contents: &Contents) -> Announcement<'_> {
        Announcement {
            service: "127.0.0.1:5001".parse().unwrap(),
            operations: "127.0.0.1:5002".parse().unwrap(),
            host: "127.0.0.1:5000",
            data: Path::new("/tmp/it's here"),
            configuration: Path::new("/tmp/it's here/auth-service.toml"),
            program: Path::new("/opt/auth-service"),
            contents,
            project: ProjectId::parse("syn2000001"),
        }
    }

    #[test]
    fn lines_can_be_pasted_whatever_the_folder_is_called() {
        let contents = contents();
        let text = announcement(&contents).text();
        for line in [
            r"  tar -C '/tmp/it'\''s here/sample' -c hello.txt | docker import - 127.0.0.1:5000/syn2000001/hello:v1",
            r"  docker login -u admin --password-stdin 127.0.0.1:5000 < '/tmp/it'\''s here/admin-password'",
            "  docker push 127.0.0.1:5000/syn2000001/hello:v1",
            "  podman push --tls-verify=false 127.0.0.1:5000/syn2000001/hello:v1",
            "  podman pull --tls-verify=false 127.0.0.1:5000/syn2000001/hello:v1",
            r"  /opt/auth-service --config '/tmp/it'\''s here/auth-service.toml' repository tags syn2000001/hello",
        ] {
            assert!(text.lines().any(|printed| printed == line), "{line}\nis not in{text}");
        }
    }

    #[test]
    fn without_a_password_file_the_client_asks_and_without_a_user_nothing_is_promised() {
        let mut contents = contents();
        contents.password_file = None;
        assert!(announcement(&contents).text().contains("  docker login -u admin 127.0.0.1:5000\n"));
        contents.user = None;
        let text = announcement(&contents).text();
        assert!(!text.contains("docker") && text.contains("user list"), "{text}");
        assert!(announcement(&contents).json().contains(r#""user":null"#));
    }
}
