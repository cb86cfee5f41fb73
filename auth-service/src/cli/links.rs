//! `auth-service user link|unlink|links`: which subjects of other issuers act for an account.

use std::sync::Arc;

use serde_json::{Value, json};

use super::arguments::Link;
use super::output::{Failure, Report};
use super::users::number_of;
use crate::adapters::store::Store;
use crate::config::{Issuer, Settings};
use crate::domain::account::AccountName;
use crate::domain::foreign::ForeignSubject;
use crate::ports::linked_subjects::{LinkRecord, LinkedBy, LinkedSubjects as _};

pub(super) async fn link(settings: &Settings, store: &Arc<Store>, link: &Link) -> Result<Report, Failure> {
    let issuer = issuer(settings, &link.issuer).ok_or_else(|| unknown_issuer(settings, &link.issuer))?;
    if !issuer.rules.robots.is_empty() {
        let rules = format!("login.issuer.{}.robots", issuer.rules.name);
        return Err(Failure::Failed(format!(
            "tokens of '{}' act for robot accounts only, by {rules}",
            issuer.rules.name
        )));
    }
    let subject = subject(&issuer.rules.issuer, &link.subject)?;
    let user = number_of(store, &link.name).await?;
    store.link(user, &subject, LinkedBy::Administrator).await?;
    Ok(told(link, &subject, "acts"))
}

/// An issuer that is not configured any more can still be unlinked, by its URL.
pub(super) async fn unlink(settings: &Settings, store: &Arc<Store>, link: &Link) -> Result<Report, Failure> {
    let url = issuer(settings, &link.issuer).map_or(link.issuer.as_str(), |issuer| &*issuer.rules.issuer);
    let subject = subject(url, &link.subject)?;
    let user = number_of(store, &link.name).await?;
    if store.unlink(user, &subject).await? {
        return Ok(told(link, &subject, "does not act any more"));
    }
    Err(Failure::Failed(format!("{} of {} is not linked to {}", subject.subject, subject.issuer, link.name)))
}

pub(super) async fn list(
    settings: &Settings,
    store: &Arc<Store>,
    name: &AccountName,
) -> Result<Report, Failure> {
    let links = store.links(number_of(store, name).await?).await?;
    let configured =
        |link: &LinkRecord| issuer(settings, &link.subject.issuer).map(|issuer| issuer.rules.name.as_str());
    let line = |link: &LinkRecord| {
        let issuer = configured(link).unwrap_or("not configured any more");
        format!("{}\t{}\t{issuer}\tlinked {}", link.subject.subject, link.subject.issuer, link.linked_at)
    };
    let json = |link: &LinkRecord| {
        json!({
            "issuer": &*link.subject.issuer,
            "subject": &*link.subject.subject,
            "issuerName": configured(link),
            "linkedOn": link.linked_at.to_string(),
        })
    };
    let rows: Vec<String> = links.iter().map(line).collect();
    Ok(Report::new(rows.join("\n"), Value::Array(links.iter().map(json).collect())))
}

fn issuer<'s>(settings: &'s Settings, text: &str) -> Option<&'s Issuer> {
    settings
        .login
        .issuers
        .iter()
        .find(|issuer| issuer.rules.name.as_str() == text || *issuer.rules.issuer == *text)
}

fn unknown_issuer(settings: &Settings, text: &str) -> Failure {
    let names: Vec<&str> = settings.login.issuers.iter().map(|issuer| issuer.rules.name.as_str()).collect();
    let known =
        if names.is_empty() { "none is".to_owned() } else { format!("there is {}", names.join(", ")) };
    Failure::Failed(format!("the issuer {text} is not configured under login.issuer; {known}"))
}

fn subject(issuer: &str, subject: &str) -> Result<ForeignSubject, Failure> {
    ForeignSubject::new(&issuer.into(), subject).ok_or_else(|| {
        Failure::Usage("a subject has 1 to 255 bytes, no control characters and no invisible ones".to_owned())
    })
}

fn told(link: &Link, subject: &ForeignSubject, what: &str) -> Report {
    let ForeignSubject { issuer, subject } = subject;
    let json = json!({"userName": link.name.as_str(), "issuer": &**issuer, "subject": &**subject});
    Report::new(format!("{subject} of {issuer} {what} for {}.", link.name), json)
}
