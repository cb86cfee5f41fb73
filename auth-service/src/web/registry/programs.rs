//! Clients that ask for push though all they want is to read or to delete, known by their `User-Agent`. What they are
//! given is no more than anybody is; they are only not refused when they get less than they ask for.

use actix_web::HttpRequest;
use actix_web::http::header::USER_AGENT;

use crate::domain::refusal::PushMeaning;

/// Three numbers: `24.0.5`.
type Version = [u32; 3];

/// A client of which some versions ask for too much.
struct Program {
    /// The product in the `User-Agent` (RFC 9110, section 10.1.5).
    product: &'static str,
    /// Which versions, from the first to the one that asks no more.
    versions: &'static [(Version, Version)],
    /// Whether one that does not tell its version is taken for one of these.
    without_version: bool,
    meaning: PushMeaning,
}

const PROGRAMS: [Program; 2] = [
    // `docker manifest inspect` and `docker manifest push` ask for the same (`cli/registry/client/endpoint.go` of
    // github.com/docker/cli, mended by its pull request 4511). The daemon, which pushes and pulls, says `docker/…`, and
    // names its client only in brackets.
    Program {
        product: "Docker-Client",
        versions: &[([0, 0, 0], [23, 0, 7]), ([24, 0, 0], [24, 0, 6])],
        without_version: false,
        meaning: PushMeaning::PushOrRead,
    },
    // `remote.Delete` of crane and of everything that is built on the same library (`pkg/v1/remote/transport/scope.go`
    // of github.com/google/go-containerregistry, mended by its pull request 2266). Debian builds it without a version.
    Program {
        product: "go-containerregistry",
        versions: &[([0, 0, 0], [0, 21, 6])],
        without_version: true,
        meaning: PushMeaning::PushOrDelete,
    },
];

/// What the client that sent `request` may mean when it asks for push.
pub(super) fn push_meaning(request: &HttpRequest) -> PushMeaning {
    let agent = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
    agent.map_or(PushMeaning::Push, meaning_of)
}

fn meaning_of(agent: &str) -> PushMeaning {
    // Nearly every client is none of these, and nothing has to be taken apart to tell.
    if !PROGRAMS.iter().any(|program| agent.contains(program.product)) {
        return PushMeaning::Push;
    }
    for product in without_comments(agent).split(' ') {
        let (name, version) = product.split_once('/').unwrap_or((product, ""));
        let asks_too_much = |program: &&Program| program.product == name && program.includes(version);
        if let Some(program) = PROGRAMS.iter().find(asks_too_much) {
            return program.meaning;
        }
    }
    PushMeaning::Push
}

/// What stands in brackets is a comment: the daemon repeats there what its client is.
fn without_comments(agent: &str) -> String {
    let (mut depth, mut escaped) = (0_u32, false);
    let mut outside = String::new();
    for c in agent.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth == 0 => outside.push(c),
            _ => {}
        }
    }
    outside
}

impl Program {
    fn includes(&self, version: &str) -> bool {
        match numbers(version) {
            Some(version) => self.versions.iter().any(|(from, until)| (*from..*until).contains(&version)),
            None => self.without_version,
        }
    }
}

/// `v0.20.2`, `20.10.24+dfsg1`: the numbers at the beginning. What begins with no number tells no version.
fn numbers(version: &str) -> Option<Version> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let mut parts = version.split('.').map(|part| {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..digits].parse().ok()
    });
    let major = parts.next()??;
    let mut next = || parts.next().flatten().unwrap_or(0);
    Some([major, next(), next()])
}

#[cfg(test)]
mod tests {
    use super::PushMeaning::{Push, PushOrDelete, PushOrRead};
    use super::*;

    #[test]
    fn the_clients_of_the_table_are_known_in_their_versions_and_no_others() {
        for (agent, meaning) in [
            ("Docker-Client/20.10.24+dfsg1 (linux)", PushOrRead),
            ("Docker-Client/19.03.15 (darwin)", PushOrRead),
            ("Docker-Client/23.0.6 (windows)", PushOrRead),
            ("Docker-Client/23.0.7 (linux)", Push),
            ("Docker-Client/24.0.5 (linux)", PushOrRead),
            ("Docker-Client/24.0.6 (linux)", Push),
            ("Docker-Client/28.5.2 (linux)", Push),
            ("Docker-Client/unknown-version (linux)", Push),
            (
                "docker/20.10.24+dfsg1 go/go1.19.8 git-commit/5d6db84 kernel/6.1 os/linux arch/amd64 \
                 UpstreamClient(Docker-Client/20.10.24 \\(linux\\))",
                Push,
            ),
            ("go-containerregistry", PushOrDelete),
            ("crane/0.20.2 go-containerregistry/0.20.2", PushOrDelete),
            ("crane/v0.21.5 go-containerregistry/v0.21.5", PushOrDelete),
            ("crane/v0.21.6 go-containerregistry/v0.21.6", Push),
            ("cosign/v2.4.1 (linux; amd64) go-containerregistry/v0.20.2", PushOrDelete),
            ("crane/(devel) go-containerregistry/(devel)", PushOrDelete),
            ("not-go-containerregistry/0.1.0", Push),
            ("containerd/2.1.4+unknown", Push),
            ("", Push),
        ] {
            assert_eq!(meaning_of(agent), meaning, "{agent}");
        }
    }
}
