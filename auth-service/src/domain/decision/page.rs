//! The decision as a table: the rows are those of `docs/PERMISSIONS.md`, which this file reads, so that the page and the
//! rules cannot differ.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::access::{AccessKind, AccessSet};
use super::super::account::AccountState;
use super::super::facts::{
    Facts, ItemFacts, LifeState, ProjectFacts, RepositoryFacts, RepositorySituation, Sharing, UserFacts,
};
use super::super::login::Caller;
use super::super::login_scope::{LoginScopes, Powers};
use super::super::principal::{PrincipalId, TeamId, UserId};
use super::super::project::{EntityId, ProjectId};
use super::super::repository::RepositoryName;
use super::super::scope::RequestedScopes;
use super::{AccessPolicy, Certification, ItemRights, RepositoryDecision, decide};

pub(super) const USER: i64 = 3_400_001;
pub(super) const OTHER: i64 = 3_400_002;
pub(super) const TEAM: i64 = 3_400_003;

const PAGE: &str = include_str!("../../../../docs/PERMISSIONS.md");

/// One line of a table, with what most lines share as defaults.
#[expect(clippy::struct_excessive_bools, reason = "each is a column of the table")]
pub(super) struct Row {
    pub(super) certified: bool,
    pub(super) administrator: bool,
    pub(super) anonymous: bool,
    pub(super) login: &'static str,
    pub(super) bound_to: Option<i64>,
    pub(super) robot_of: Option<i64>,
    pub(super) project: Option<LifeState>,
    pub(super) project_access: &'static str,
    pub(super) through: PrincipalId,
    pub(super) project_open_data: bool,
    pub(super) repository: RepositoryFacts,
    /// Whether the item that is wanted is the project, and not the repository.
    pub(super) of_project: bool,
    pub(super) asks: &'static str,
    pub(super) policy: AccessPolicy,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            certified: true,
            administrator: false,
            anonymous: false,
            login: "view,download,modify,delete,admin",
            bound_to: None,
            robot_of: None,
            project: Some(LifeState::Live),
            project_access: "",
            through: PrincipalId::new(USER),
            project_open_data: false,
            repository: RepositoryFacts::PLAIN,
            of_project: false,
            asks: "pull",
            policy: AccessPolicy { certification: Certification::Push, anonymous_pull: false },
        }
    }
}

fn access(text: &str) -> AccessSet {
    if matches!(text, "" | "none") { AccessSet::NONE } else { text.parse().unwrap() }
}

impl Row {
    fn powers(&self) -> Powers {
        Powers { scopes: LoginScopes::parse(self.login).unwrap(), only_in: self.bound_to.map(ProjectId::new) }
    }

    fn user(&self) -> UserFacts {
        UserFacts {
            id: UserId::new(USER),
            certified: self.certified,
            administrator: self.administrator,
            state: AccountState::Active,
            generation: 1,
            robot_of: self.robot_of.map(ProjectId::new),
            teams: [TeamId::new(TEAM)].into(),
        }
    }

    fn caller<'u>(&self, user: &'u UserFacts) -> Caller<'u> {
        match self.anonymous {
            true => Caller::Anonymous,
            false => Caller::User(user, self.powers()),
        }
    }

    fn project(&self) -> Option<Arc<ProjectFacts>> {
        self.project.map(|state| {
            Arc::new(ProjectFacts {
                id: ProjectId::new(5),
                state,
                open_data: self.project_open_data,
                sharing: Sharing::new([(self.through, access(self.project_access))]),
            })
        })
    }

    /// The decision on what is asked of the repository.
    pub(super) fn decide(&self) -> RepositoryDecision {
        let name = RepositoryName::parse("syn5/app").unwrap();
        let (project, repository) = (self.project(), self.repository.clone());
        let facts = Facts {
            repositories: vec![RepositorySituation { name, project, repository }],
            ..Facts::default()
        };
        let scope = format!("repository:syn5/app:{}", self.asks.replace(' ', ""));
        let requested = RequestedScopes::parse([scope.as_str()], 64).unwrap();
        decide(&self.caller(&self.user()), &requested, &facts, self.policy).repositories.remove(0)
    }

    /// What comes out when a right to the item is wanted: `yes`, or the reason.
    pub(super) fn outcome_for(&self, kind: AccessKind) -> String {
        let name = RepositoryName::parse("syn5/app").unwrap();
        let item = self.project().and_then(|project| match self.of_project {
            true => Some(ItemFacts::of_project(project)),
            false => ItemFacts::of_repository(name, project, self.repository.clone()),
        });
        let user = self.user();
        let rights = ItemRights::of(self.caller(&user), item.as_ref(), self.policy);
        match rights.and_then(|rights| rights.require(kind)) {
            Ok(()) => "yes".to_owned(),
            Err(refusal) => {
                let sentence = refusal.sentence(EntityId::new(9));
                assert!(sentence.len() > 20 && sentence.chars().all(|c| !c.is_control()), "{sentence}");
                refusal.code().map_or_else(|| format!("lacks {}", kind.name()), |code| code.to_string())
            }
        }
    }

    /// What comes out, as `pull push` or `pull:not_visible push:no_create` in the order of the actions.
    pub(super) fn outcome(&self) -> String {
        let one = self.decide();
        let granted = one.granted.names().into_iter().map(str::to_owned);
        let missing = one.missing.iter().map(|m| format!("{}:{}", m.action.name(), m.reason.code()));
        granted.chain(missing).collect::<Vec<_>>().join(" ")
    }
}

pub(super) const UNKNOWN: RepositoryFacts = RepositoryFacts::Unknown;
pub(super) const TRASHED: RepositoryFacts =
    RepositoryFacts::Known { state: LifeState::Trashed, open_data: false, local_sharing: None };

/// How a row of the page becomes a [`Row`]: one function for each column, which knows all that the page says in it.
impl Row {
    fn with_cell(self, column: &str, cell: &'static str) -> Self {
        match column {
            "caller" => self.with_caller(cell),
            "login" => self.with_login(cell),
            "permissions" => self.with_rights(cell),
            "repository" => cell.split("; ").fold(self, Self::with_repository),
            "settings" => self.with_setting(cell),
            "asks" => Self { asks: cell, ..self },
            "needs" => self,
            _ => panic!("the page has a column {column}, which no test knows"),
        }
    }

    fn with_caller(self, cell: &str) -> Self {
        match cell {
            "certified user" => self,
            "uncertified user" => Self { certified: false, ..self },
            "administrator" => Self { administrator: true, certified: false, ..self },
            "not logged in" => Self { anonymous: true, ..self },
            _ => Self { robot_of: Some(project(cell, "robot account of ")), ..self },
        }
    }

    fn with_login(self, cell: &'static str) -> Self {
        match cell {
            "password" | "none" => self,
            _ if cell.starts_with("token for ") => {
                Self { bound_to: Some(project(cell, "token for ")), ..self }
            }
            scopes => Self { login: scopes, ..self },
        }
    }

    fn with_rights(self, cell: &'static str) -> Self {
        let Some((principal, rights)) = cell.split_once(": ") else {
            return Self { project_access: cell, ..self };
        };
        let through = match principal {
            "a team" => PrincipalId::new(TEAM),
            "another user" => PrincipalId::new(OTHER),
            "AUTHENTICATED_USERS" => PrincipalId::AUTHENTICATED_USERS,
            "PUBLIC" => PrincipalId::PUBLIC,
            _ => panic!("{principal} is nobody that a test knows"),
        };
        Self { project_access: rights, through, ..self }
    }

    pub(super) fn with_repository(self, phrase: &str) -> Self {
        let repository = match phrase {
            "exists" => RepositoryFacts::PLAIN,
            "the project itself" => return Self { of_project: true, ..self },
            "new" => UNKNOWN,
            "quarantined" => RepositoryFacts::Quarantined,
            "reserved by the caller" => RepositoryFacts::Reserved { by: UserId::new(USER) },
            "reserved by another user" => RepositoryFacts::Reserved { by: UserId::new(OTHER) },
            "in the trash" => TRASHED,
            "open data" => self.known(|_, open_data, _| *open_data = true),
            "no such project" => return Self { project: None, ..self },
            "project in the trash" => return Self { project: Some(LifeState::Trashed), ..self },
            "project is open data" => return Self { project_open_data: true, ..self },
            _ => {
                let rights = access(phrase.strip_prefix("own access list: ").unwrap());
                let own = Sharing::new([(PrincipalId::new(USER), rights)]);
                self.known(|_, _, local_sharing| *local_sharing = Some(Arc::new(own)))
            }
        };
        Self { repository, ..self }
    }

    /// The repository that a row has so far, with a change.
    fn known(
        &self,
        change: impl FnOnce(&mut LifeState, &mut bool, &mut Option<Arc<Sharing>>),
    ) -> RepositoryFacts {
        let mut repository = self.repository.clone();
        let RepositoryFacts::Known { state, open_data, local_sharing } = &mut repository else {
            panic!("the repository is not one that exists")
        };
        change(state, open_data, local_sharing);
        repository
    }

    fn with_setting(self, cell: &str) -> Self {
        let certification = |certification| AccessPolicy { certification, ..self.policy };
        let policy = match cell {
            "default" => self.policy,
            "access.anonymous_pull = true" => AccessPolicy { anonymous_pull: true, ..self.policy },
            "access.certification = \"create\"" => certification(Certification::Create),
            "access.certification = \"off\"" => certification(Certification::Off),
            _ => panic!("no test knows the setting {cell}"),
        };
        Self { policy, ..self }
    }

    /// The words of [`Row::outcome`] that the last column of a row means: `pull, push; delete: no_delete` says what is
    /// granted, and the reasons for what is not; `nothing: in_trash` is one reason for all that is asked.
    fn outcome_of(&self, gets: &str) -> BTreeSet<String> {
        let mut outcome = BTreeSet::new();
        for part in gets.split("; ") {
            match part.split_once(": ") {
                None => outcome.extend(part.split(", ").map(str::to_owned)),
                Some(("nothing", reason)) => {
                    let asks = if self.asks == "*" { "pull, push, delete" } else { self.asks };
                    outcome.extend(asks.split(", ").map(|action| format!("{action}:{reason}")));
                }
                Some((action, reason)) => drop(outcome.insert(format!("{action}:{reason}"))),
            }
        }
        outcome
    }
}

fn project(cell: &str, prefix: &str) -> i64 {
    cell.strip_prefix(prefix).and_then(|project| project.strip_prefix("syn")).unwrap().parse().unwrap()
}

/// The kinds of access that a cell names.
fn kinds(cell: &str) -> Vec<AccessKind> {
    if cell == "any" { AccessKind::ALL.to_vec() } else { access(cell).iter().collect() }
}

fn cells(line: &'static str) -> Vec<&'static str> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
}

fn check(columns: &[&str], line: &'static str) {
    let cells = cells(line);
    assert_eq!(cells.len(), columns.len(), "{line}");
    let (gets, cells) = cells.split_last().unwrap();
    let gets = gets.replace('`', "");
    let row =
        columns.iter().zip(cells).fold(Row::default(), |row, (column, cell)| row.with_cell(column, cell));
    match columns.iter().position(|column| *column == "needs") {
        None => {
            let outcome: BTreeSet<String> = row.outcome().split(' ').map(str::to_owned).collect();
            assert_eq!(outcome, row.outcome_of(&gets), "{line}");
        }
        Some(at) => {
            for kind in kinds(cells[at]) {
                let expected =
                    gets.trim_start_matches("no: ").replace("lacks it", &format!("lacks {}", kind.name()));
                assert_eq!(row.outcome_for(kind), expected, "{} in {line}", kind.name());
            }
        }
    }
}

#[test]
fn every_row_of_the_page_is_decided_as_it_says() {
    let mut columns = Vec::new();
    let mut rows = 0;
    for line in PAGE.lines() {
        if !line.starts_with('|') {
            columns.clear();
        } else if columns.is_empty() {
            columns = cells(line);
        } else if columns.last() == Some(&"gets") && !line.starts_with("|--") {
            check(&columns, line);
            rows += 1;
        }
    }
    assert!(rows > 120, "only {rows} rows were found");
}
