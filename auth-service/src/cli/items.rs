//! Projects, repositories and who may do what with them, from the command line.

use serde_json::{Value, json};

use super::arguments::{Command, ProjectCommand, RepositoryCommand, Switch};
use super::output::{Failure, Report};
use crate::app::browse_items::BrowseItems;
use crate::app::manage_items::{ManageItems, PrincipalName, SharingReport};
use crate::bootstrap::{browse_items, manage_items, open_store};
use crate::config::Settings;
use crate::domain::access::AccessSet;
use crate::domain::facts::LifeState;
use crate::domain::project::ProjectId;
use crate::domain::repository::{Item, RepositoryName};
use crate::ports::items::{AccessChange, Project, Repository};

pub(super) async fn run(settings: &Settings, command: Command) -> Result<Report, Failure> {
    let store = open_store(settings).await.map_err(|error| Failure::Failed(error.to_string()))?;
    let (manage, browse) = (manage_items(settings, &store), browse_items(&store));
    let items = ItemCommands { manage, browse, host: settings.registry.host.clone() };
    match command {
        Command::Project { command } => items.project(command).await,
        Command::Grant { item, principal, access } => {
            items.set_access(&item, &principal, AccessChange::Add(access)).await
        }
        Command::Revoke { item, principal, access } => {
            let access = access.unwrap_or(AccessSet::ALL);
            items.set_access(&item, &principal, AccessChange::Remove(access)).await
        }
        Command::Sharing { item, local, inherit } => items.sharing(&item, local, inherit).await,
        Command::Repository { command } => match command {
            RepositoryCommand::List { project } => items.repositories(project).await,
            RepositoryCommand::Tags { repository } => items.tags(&repository).await,
        },
        Command::Trash { item } => items.set_life_state(&item, LifeState::Trashed).await,
        Command::Restore { item } => items.set_life_state(&item, LifeState::Live).await,
        Command::OpenData { item, state } => items.set_open_data(&item, state == Switch::On).await,
        _ => Err(Failure::Usage("this command does not belong here".to_owned())),
    }
}

struct ItemCommands {
    manage: ManageItems,
    browse: BrowseItems,
    host: String,
}

impl ItemCommands {
    async fn project(&self, command: ProjectCommand) -> Result<Report, Failure> {
        match command {
            ProjectCommand::Add { name, owner } => {
                let id = self.manage.add_project(&name, &owner).await?;
                Ok(Report::new(id.to_string(), json!({"id": id.to_string(), "name": name.as_str()})))
            }
            ProjectCommand::List => Ok(listed_projects(&self.browse.projects().await?)),
        }
    }

    async fn set_access(
        &self,
        item: &Item,
        principal: &PrincipalName,
        change: AccessChange,
    ) -> Result<Report, Failure> {
        self.manage.set_access(item, principal, change).await?;
        shown(&self.manage.sharing(item).await?)
    }

    async fn sharing(&self, item: &Item, local: bool, inherit: bool) -> Result<Report, Failure> {
        if local || inherit {
            self.manage.set_local_sharing(item, local).await?;
        }
        shown(&self.manage.sharing(item).await?)
    }

    async fn repositories(&self, project: Option<ProjectId>) -> Result<Report, Failure> {
        let repositories = self.browse.repositories(project).await?;
        let line = |repository: &Repository| {
            let marks = [
                (repository.local_sharing, "local sharing"),
                (repository.open_data, "open data"),
                (repository.state == LifeState::Trashed, "in the trash"),
            ];
            let marks: Vec<&str> = marks.into_iter().filter_map(|(set, mark)| set.then_some(mark)).collect();
            format!("{}\t{}\t{}", repository.id, repository.name, marks.join(", "))
        };
        let json = |repository: &Repository| {
            json!({
                "id": repository.id.to_string(),
                "name": repository.name.as_str(),
                "repositoryName": format!("{}/{}", self.host, repository.name),
                "parentId": repository.name.project().to_string(),
                "isManaged": true,
                "localSharing": repository.local_sharing,
                "openData": repository.open_data,
                "inTrash": repository.state == LifeState::Trashed,
                "createdOn": repository.created_at.to_string(),
            })
        };
        let lines: Vec<String> = repositories.iter().map(line).collect();
        Ok(Report::new(lines.join("\n"), Value::Array(repositories.iter().map(json).collect())))
    }

    async fn tags(&self, name: &RepositoryName) -> Result<Report, Failure> {
        let Some(tags) = self.browse.tags(name).await? else {
            return Err(Failure::Failed(format!("there is no {name}")));
        };
        let lines: Vec<String> = tags
            .iter()
            .map(|record| format!("{}\t{}\t{}", record.tag, record.digest, record.moved_at))
            .collect();
        let json = tags.iter().map(|record| {
            json!({"tag": record.tag.as_str(), "digest": record.digest.as_str(), "createdOn": record.moved_at.to_string()})
        });
        Ok(Report::new(lines.join("\n"), Value::Array(json.collect())))
    }

    async fn set_life_state(&self, item: &Item, state: LifeState) -> Result<Report, Failure> {
        self.manage.set_life_state(item, state).await?;
        let (text, trashed) = match state {
            LifeState::Trashed => ("is in the trash; nobody can pull or push it", true),
            LifeState::Live => ("is back, shared as it was", false),
        };
        Ok(Report::new(format!("{item} {text}."), json!({"id": item.to_string(), "inTrash": trashed})))
    }

    async fn set_open_data(&self, item: &Item, open_data: bool) -> Result<Report, Failure> {
        self.manage.set_open_data(item, open_data).await?;
        let text = if open_data { "is open data: READ is enough to pull" } else { "is not open data" };
        Ok(Report::new(format!("{item} {text}."), json!({"id": item.to_string(), "openData": open_data})))
    }
}

fn listed_projects(projects: &[Project]) -> Report {
    let line = |project: &Project| {
        let marks = [(project.open_data, "open data"), (project.state == LifeState::Trashed, "in the trash")];
        let marks: Vec<&str> = marks.into_iter().filter_map(|(set, mark)| set.then_some(mark)).collect();
        format!(
            "{}\t{}\t{} repositories\t{}",
            project.id,
            project.name,
            project.repositories,
            marks.join(", ")
        )
    };
    let json = |project: &Project| {
        json!({
            "id": project.id.to_string(),
            "name": project.name,
            "openData": project.open_data,
            "inTrash": project.state == LifeState::Trashed,
            "repositories": project.repositories,
        })
    };
    let lines: Vec<String> = projects.iter().map(line).collect();
    Report::new(lines.join("\n"), Value::Array(projects.iter().map(json).collect()))
}

fn shown(report: &SharingReport) -> Result<Report, Failure> {
    let head = match &report.benefactor {
        Some(project) => format!("{} follows {project}:", report.item),
        None => format!("{}:", report.item),
    };
    let rows = report.rows.iter().map(|row| format!("  {}\t{}", row.principal, row.access.join(",")));
    let lines: Vec<String> = std::iter::once(head).chain(rows).collect();
    Report::of(lines.join("\n"), report)
}
