//! What a first start puts into the data folder and every later one finds again: signing keys, an
//! administrator, a project, and a file to make an image of.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use super::folder::DataFolder;
use crate::adapters::signing::{KeyDirectory, KeyError, SigningAlgorithm};
use crate::adapters::store::Store;
use crate::adapters::system::{SystemClock, random_bytes};
use crate::app::manage_accounts::{AccountRequest, ManageAccounts};
use crate::bootstrap::{create_store, hashing_threads, manage_items, open_store, token_shapes};
use crate::config::Settings;
use crate::domain::account::{AccountName, AccountState, EmailAddress};
use crate::domain::credential::NewPassword;
use crate::domain::facts::LifeState;
use crate::domain::project::{ProjectId, ProjectName};
use crate::ports::accounts::Users as _;
use crate::ports::items::Items as _;
use crate::ports::system::Clock as _;

/// The first account.
const ADMINISTRATOR: &str = "admin";
/// The first project.
const PROJECT: &str = "quickstart";
/// The administrator's password.
const PASSWORD_FILE: &str = "admin-password";
/// A folder with one file, the smallest thing to make an image of.
const SAMPLE_FOLDER: &str = "sample";
/// The file in it.
pub(super) const SAMPLE_FILE: &str = "hello.txt";

/// Letters and digits that nobody takes for each other.
const LETTERS: &[u8; 56] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz";
/// 24 of 56 letters are 139 bits.
const PASSWORD_LETTERS: usize = 24;

/// What there is to try the service with.
pub(super) struct Contents {
    /// The administrator; `None` when somebody removed or closed that account.
    pub(super) user: Option<AccountName>,
    /// The administrator's password as it was made; `None` when somebody removed the file.
    pub(super) password_file: Option<PathBuf>,
    /// A folder with a file in it.
    pub(super) sample: PathBuf,
}

/// Makes what is missing of keys and accounts.
pub(super) async fn complete(folder: &DataFolder, settings: &Settings) -> anyhow::Result<Contents> {
    make_keys(settings)?;
    let sample = make_sample(folder)?;
    create_store(settings).await?;
    let store = open_store(settings).await?;
    let user = administrator(folder, settings, &store).await?;
    store.close().await;
    let password_file = Some(folder.join(PASSWORD_FILE)).filter(|path| path.exists());
    Ok(Contents { user, password_file, sample })
}

fn make_keys(settings: &Settings) -> anyhow::Result<()> {
    let directory = &settings.keys.directory;
    match KeyDirectory::new(directory).load() {
        // Somebody may have left a folder with nothing in it.
        Err(KeyError::Missing(_)) => {}
        other => return Ok(other.map(drop)?),
    }
    // Under a name of its own until all of it is there: an interrupted start leaves no half set of keys.
    let mut new = directory.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    if new.exists() {
        std::fs::remove_dir_all(&new).with_context(|| format!("cannot remove {}", new.display()))?;
    }
    KeyDirectory::new(&new).init(SigningAlgorithm::Es256, None, SystemClock.now())?;
    std::fs::rename(&new, directory).with_context(|| format!("cannot make {}", directory.display()))
}

fn make_sample(folder: &DataFolder) -> anyhow::Result<PathBuf> {
    let path = folder.join(SAMPLE_FOLDER);
    match std::fs::create_dir(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("cannot make {}", path.display()));
        }
        _ => {}
    }
    let name = format!("{SAMPLE_FOLDER}/{SAMPLE_FILE}");
    folder.line(&name, || Ok("Hello from the registry.".to_owned()))?;
    Ok(path)
}

/// The administrator; made if there is no account at all, so that one who was removed stays removed.
async fn administrator(
    folder: &DataFolder,
    settings: &Settings,
    store: &Arc<Store>,
) -> anyhow::Result<Option<AccountName>> {
    let name = AccountName::parse(ADMINISTRATOR)?;
    if let Some(user) = store.user(&name).await? {
        let is_usable = user.administrator && user.state == AccountState::Active;
        return Ok(is_usable.then_some(name));
    }
    if !store.users().await?.is_empty() {
        return Ok(None);
    }
    // Written first: what is in the file is the password, whenever this is interrupted.
    let password = folder.line(PASSWORD_FILE, new_password)?;
    let accounts = ManageAccounts {
        users: Arc::<Store>::clone(store),
        hasher: hashing_threads(settings, 1)?,
        min_password_length: settings.login.min_password_length,
    };
    let request = AccountRequest {
        name: name.clone(),
        email: EmailAddress::parse(&format!("{ADMINISTRATOR}@localhost"))?,
        password: NewPassword::parse(password, settings.limits.credential_bytes, &token_shapes(settings))?,
        certified: true,
        administrator: true,
    };
    accounts.add(request).await?;
    Ok(Some(name))
}

/// The first project, or the one that is most like it; made if there is none at all. `None` when all are in the
/// trash. The registry has to answer: it says which numbers are taken.
pub(super) async fn project(
    settings: &Settings,
    owner: Option<&AccountName>,
) -> anyhow::Result<Option<ProjectId>> {
    let Some(owner) = owner else { return Ok(None) };
    let store = open_store(settings).await?;
    let project = project_in(settings, &store, owner).await;
    store.close().await;
    project
}

async fn project_in(
    settings: &Settings,
    store: &Arc<Store>,
    owner: &AccountName,
) -> anyhow::Result<Option<ProjectId>> {
    let projects = store.projects().await?;
    if projects.is_empty() {
        let name = ProjectName::parse(PROJECT)?;
        return Ok(Some(manage_items(settings, store).add_project(&name, owner).await?));
    }
    let in_use = || projects.iter().filter(|project| project.state == LifeState::Live);
    let project = in_use().find(|project| project.name == PROJECT).or_else(|| in_use().next());
    Ok(project.map(|project| project.id))
}

fn new_password() -> io::Result<String> {
    let mut password = String::with_capacity(PASSWORD_LETTERS);
    while password.len() < PASSWORD_LETTERS {
        // Of the values above the highest multiple some letters would come more often than others.
        let fair =
            random_bytes::<64>()?.into_iter().map(usize::from).filter(|byte| *byte < 4 * LETTERS.len());
        let letters = fair.map(|byte| char::from(LETTERS[byte % LETTERS.len()]));
        password.extend(letters.take(PASSWORD_LETTERS - password.len()));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::configuration::{Ports, settle};
    use super::*;

    #[test]
    fn a_password_can_be_copied_and_is_never_the_same() {
        let passwords: HashSet<String> = (0..200).map(|_| new_password().unwrap()).collect();
        assert_eq!(passwords.len(), 200);
        let seen: HashSet<u8> = passwords.iter().flat_map(|password| password.bytes()).collect();
        assert_eq!(seen, LETTERS.iter().copied().collect());
        assert!(passwords.iter().all(|password| password.len() == PASSWORD_LETTERS));
    }

    #[tokio::test]
    async fn a_second_start_finds_everything_and_an_interrupted_first_one_is_made_up_for() {
        let place = tempfile::tempdir().unwrap();
        let folder = DataFolder::open(place.path()).unwrap();
        let free = || std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = settle(&folder, Ports { service: Some(free()), registry: Some(free()) }).unwrap();
        std::fs::create_dir_all(place.path().join("keys.new/leaf")).unwrap();
        folder.write(PASSWORD_FILE, "from an interrupted start\n").unwrap();

        let first = complete(&folder, &settings).await.unwrap();
        let kid = KeyDirectory::new(&settings.keys.directory).load().unwrap().kid().to_owned();
        let second = complete(&folder, &settings).await.unwrap();
        assert_eq!(KeyDirectory::new(&settings.keys.directory).load().unwrap().kid(), kid);
        assert_eq!(&first.user, &second.user);
        assert!(first.user.is_some() && second.password_file.is_some());
        assert_eq!(folder.read(PASSWORD_FILE).unwrap().unwrap(), "from an interrupted start\n");

        let store = open_store(&settings).await.unwrap();
        let users = store.users().await.unwrap();
        assert_eq!(users.len(), 1);
        assert!(users[0].certified && users[0].administrator);
        // No number is given to a project before the registry has told which ones it uses.
        assert!(project(&settings, first.user.as_ref()).await.is_err());
        assert_eq!(store.projects().await.unwrap().len(), 0);
    }
}
