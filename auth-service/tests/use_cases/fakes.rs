//! Ports in memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use auth_service::adapters::system::SystemRandomness;
use auth_service::adapters::token_uses::UsesInMemory;
use auth_service::adapters::verified_logins::LoginCache;
use auth_service::app::authenticate::Authenticate;
use auth_service::app::first_push::FirstPush;
use auth_service::app::give_tokens::GiveTokens;
use auth_service::app::issue_token::{IssueToken, TokenRequest, TokenRules};
use auth_service::app::lockout::Lockout;
use auth_service::app::log_in::LogIn;
use auth_service::app::raise_numbers::RaiseNumbers;
use auth_service::domain::access::AccessSet;
use auth_service::domain::account::{AccountName, AccountState, CountedName, LoginName};
use auth_service::domain::claims::TokenTerms;
use auth_service::domain::credential::{Credential, Password};
use auth_service::domain::decision::{AccessPolicy, Certification};
use auth_service::domain::facts::{
    Facts, LifeState, ProjectFacts, RepositoryFacts, RepositorySituation, Sharing, TokenFacts, UserFacts,
};
use auth_service::domain::foreign::ForeignSubject;
use auth_service::domain::foreign::shape::ShapesDigest;
use auth_service::domain::lockout::{Count, Counts, LockoutPolicy};
use auth_service::domain::login::{CredentialUse, Identity, LoginOrigin};
use auth_service::domain::network::{ClientNetwork, UNKNOWN_ADDRESS};
use auth_service::domain::principal::{PrincipalId, UserId};
use auth_service::domain::project::{EntityId, ProjectId};
use auth_service::domain::refusal::PushMeaning;
use auth_service::domain::repository::RepositoryName;
use auth_service::domain::service_token::{ServiceTokenId, ServiceTokenKind, TokenRoom};
use auth_service::domain::time::Timestamp;
use auth_service::ports::StorageError;
use auth_service::ports::accounts::{
    AccountError, NewUser, Passwords, StoredLogin, StoredPassword, User, UserChange, Users,
};
use auth_service::ports::facts::FactsReader;
use auth_service::ports::items::{NameReservations, Numbers, Reservation, ReservationLimits};
use auth_service::ports::login_failures::{Attempt, LoginFailures};
use auth_service::ports::passwords::{HashError, PasswordHasher, Verdict};
use auth_service::ports::registry::{CataloguePage, Holding, RegistryContents, RegistryUnreachable};
use auth_service::ports::signer::{KeyCondition, SignError, Signer};
use auth_service::ports::system::Clock;
use auth_service::ports::tokens::{AddTokenError, NewToken, TokenRecord, Tokens};

use super::foreign::shapes;

pub(crate) const ALICE: UserId = UserId::new(3_400_001);

/// What happens while a password is being hashed, or the registry is being asked.
type Meanwhile = Box<dyn Fn(&mut World) + Send + Sync>;

/// Everything that the ports look at.
#[expect(clippy::struct_excessive_bools, reason = "each is set by itself")]
pub(crate) struct World {
    pub(crate) password: String,
    pub(crate) shapes: ShapesDigest,
    pub(crate) others_unchecked: bool,
    pub(crate) state: AccountState,
    pub(crate) generation: i64,
    pub(crate) exists: bool,
    pub(crate) user: UserId,
    pub(crate) repositories: HashMap<String, RepositoryFacts>,
    pub(crate) access: AccessSet,
    pub(crate) certified: bool,
    pub(crate) administrator: bool,
    pub(crate) project_state: LifeState,
    pub(crate) held_by_registry: HashMap<String, Holding>,
    pub(crate) ended_reservations: Vec<String>,
    pub(crate) room: usize,
    pub(crate) tokens: Vec<TokenFacts>,
    pub(crate) failures: HashMap<Attempt, Count>,
    pub(crate) links: HashMap<ForeignSubject, Option<UserId>>,
    pub(crate) robot: bool,
    pub(crate) seconds: i64,
}

pub(crate) struct Outside {
    pub(crate) world: Mutex<World>,
    pub(crate) meanwhile: Mutex<Option<Meanwhile>>,
    pub(crate) while_registry_answers: Mutex<Option<Meanwhile>>,
    pub(crate) questions: AtomicUsize,
    pub(crate) names_loaded: AtomicUsize,
    pub(crate) numbers_raised_at: Mutex<Option<Timestamp>>,
    pub(crate) hashes: AtomicUsize,
    pub(crate) database_down: AtomicBool,
    pub(crate) read_only: AtomicBool,
    pub(crate) slow_counting: AtomicBool,
    pub(crate) registry_down: AtomicBool,
    pub(crate) key_expired: AtomicBool,
    pub(crate) welcomes: AtomicBool,
    pub(crate) sent_to_issuers: Mutex<Vec<String>>,
    pub(crate) highest_number: AtomicUsize,
}

impl Outside {
    pub(crate) fn new() -> Arc<Self> {
        let world = World {
            password: "sesame".to_owned(),
            shapes: shapes().digest(),
            others_unchecked: false,
            state: AccountState::Active,
            generation: 1,
            exists: true,
            user: ALICE,
            repositories: HashMap::from([("syn5/app".to_owned(), RepositoryFacts::PLAIN)]),
            access: AccessSet::ALL,
            certified: true,
            administrator: false,
            project_state: LifeState::Live,
            held_by_registry: HashMap::new(),
            ended_reservations: Vec::new(),
            room: 1_000,
            tokens: Vec::new(),
            failures: HashMap::new(),
            links: HashMap::new(),
            robot: false,
            seconds: 0,
        };
        Arc::new(Self {
            world: Mutex::new(world),
            meanwhile: Mutex::new(None),
            while_registry_answers: Mutex::new(None),
            questions: AtomicUsize::new(0),
            names_loaded: AtomicUsize::new(0),
            numbers_raised_at: Mutex::new(None),
            hashes: AtomicUsize::new(0),
            database_down: AtomicBool::new(false),
            read_only: AtomicBool::new(false),
            slow_counting: AtomicBool::new(false),
            registry_down: AtomicBool::new(false),
            key_expired: AtomicBool::new(false),
            welcomes: AtomicBool::new(false),
            sent_to_issuers: Mutex::default(),
            highest_number: AtomicUsize::new(0),
        })
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut World)) {
        change(&mut self.world.lock().unwrap());
    }

    fn database(&self) -> Result<(), StorageError> {
        match self.database_down.load(Ordering::SeqCst) {
            true => Err(StorageError::Unavailable("the disk fell off".to_owned())),
            false => Ok(()),
        }
    }

    /// The use case, wired to this.
    pub(crate) fn issue_token(self: &Arc<Self>) -> IssueToken {
        let logins = Arc::new(LoginCache::new(Duration::from_mins(5)).unwrap());
        let policy = LockoutPolicy { free_tries: 3, longest: Duration::from_mins(15) };
        let lockout = Lockout::new(Arc::<Self>::clone(self), logins, Arc::<Self>::clone(self), policy);
        let foreign_logins = Arc::new(self.foreign_logins());
        let log_in = LogIn {
            authenticate: Authenticate {
                passwords: Arc::<Self>::clone(self),
                hasher: Arc::<Self>::clone(self),
                lockout: Arc::new(lockout),
                foreign_logins: Arc::clone(&foreign_logins),
                shapes: shapes().digest(),
            },
            facts: Arc::<Self>::clone(self),
            foreign_logins,
            uses: Arc::new(UsesInMemory::default()),
            clock: Arc::<Self>::clone(self),
            service: "s".to_owned(),
        };
        IssueToken {
            log_in: Arc::new(log_in),
            give_tokens: Arc::new(self.give_tokens()),
            first_push: Arc::new(self.first_push(&Arc::new(self.raise_numbers()))),
            signer: Arc::<Self>::clone(self),
            clock: Arc::<Self>::clone(self),
            rules: TokenRules {
                terms: TokenTerms { issuer: "i".to_owned(), service: "s".to_owned(), lifetime_seconds: 300 },
                policy: AccessPolicy { certification: Certification::Push, anonymous_pull: false },
                host: "hub.example".to_owned(),
                most_scopes: 64,
            },
        }
    }

    pub(crate) fn give_tokens(self: &Arc<Self>) -> GiveTokens {
        GiveTokens {
            tokens: Arc::<Self>::clone(self),
            randomness: Arc::new(SystemRandomness),
            clock: Arc::<Self>::clone(self),
            identity_idle: Duration::from_hours(180 * 24),
            session_life: Duration::from_hours(24),
            service: "s".to_owned(),
        }
    }

    pub(crate) fn first_push(self: &Arc<Self>, numbers: &Arc<RaiseNumbers>) -> FirstPush {
        FirstPush {
            names: Arc::<Self>::clone(self),
            registry: Arc::<Self>::clone(self),
            numbers: Arc::clone(numbers),
            clock: Arc::<Self>::clone(self),
            facts: Arc::<Self>::clone(self),
            limits: ReservationLimits { per_user: 1_000, per_project: 2_000 },
        }
    }

    pub(crate) fn raise_numbers(self: &Arc<Self>) -> RaiseNumbers {
        RaiseNumbers::new(
            Arc::<Self>::clone(self),
            Arc::<Self>::clone(self),
            Arc::<Self>::clone(self),
            Arc::<Self>::clone(self),
            "http://registry.test/".to_owned(),
        )
    }

    fn registry(&self) -> Result<(), RegistryUnreachable> {
        self.questions.fetch_add(1, Ordering::SeqCst);
        if let Some(meanwhile) = self.while_registry_answers.lock().unwrap().take() {
            meanwhile(&mut self.world.lock().unwrap());
        }
        match self.registry_down.load(Ordering::SeqCst) {
            true => Err(RegistryUnreachable("nobody listens".to_owned())),
            false => Ok(()),
        }
    }
}

/// A request of alice.
pub(crate) fn request(password: &str, scope: &str) -> TokenRequest {
    TokenRequest {
        credential: Credential::Password {
            name: "alice".to_owned(),
            password: Password::new(password.to_owned()),
        },
        service: None,
        scopes: vec![scope.to_owned()],
        credential_use: CredentialUse::Registry,
        origin: LoginOrigin { network: ClientNetwork::of(UNKNOWN_ADDRESS), by_form: false },
        push: PushMeaning::Push,
        stores_token: None,
        identifier: "r1".to_owned(),
    }
}

#[async_trait]
impl FactsReader for Outside {
    async fn load(&self, identity: &Identity, names: &[RepositoryName]) -> Result<Facts, StorageError> {
        self.names_loaded.fetch_add(names.len(), Ordering::SeqCst);
        self.database()?;
        let world = self.world.lock().unwrap();
        let token = match identity {
            Identity::Token(id) => world.tokens.iter().find(|token| token.id == *id).cloned().map(Arc::new),
            _ => None,
        };
        let user = match identity {
            Identity::User(user) => Some(*user),
            Identity::Subject(subject) => world.links.get(subject).copied().flatten(),
            Identity::Robot(_) => world.robot.then_some(ALICE),
            Identity::Nobody | Identity::Token(_) => token.as_ref().map(|token| token.user),
        };
        let user = user.filter(|user| world.exists && *user == world.user).map(|id| {
            Arc::new(UserFacts {
                id,
                certified: world.certified,
                administrator: world.administrator,
                state: world.state,
                generation: world.generation,
                robot_of: world.robot.then(|| ProjectId::new(5)),
                teams: Box::default(),
            })
        });
        let situation = |name: &RepositoryName| RepositorySituation {
            name: name.clone(),
            project: Some(Arc::new(ProjectFacts {
                id: name.project(),
                state: world.project_state,
                open_data: false,
                sharing: Sharing::new([(PrincipalId::from(ALICE), world.access)]),
            })),
            repository: world.repositories.get(name.as_str()).cloned().unwrap_or(RepositoryFacts::Unknown),
        };
        Ok(Facts { user, token, repositories: names.iter().map(situation).collect(), item: None })
    }

    /// There are no items with numbers here.
    async fn load_item(&self, identity: &Identity, _: EntityId) -> Result<Facts, StorageError> {
        self.load(identity, &[]).await
    }

    async fn catch_up(&self) -> Result<(), StorageError> {
        self.database()
    }
}

#[async_trait]
impl PasswordHasher for Outside {
    async fn verify(
        &self,
        hash: Option<String>,
        password: Password,
        _: ClientNetwork,
    ) -> Result<Verdict, HashError> {
        self.hashes.fetch_add(1, Ordering::SeqCst);
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile(&mut self.world.lock().unwrap());
        }
        // A hash is the password, and a weak one begins with a tilde.
        Ok(match hash {
            Some(hash) if hash == password.expose() => Verdict::Right,
            Some(hash) if hash.strip_prefix('~') == Some(password.expose()) => {
                Verdict::RightButWeaklyHashed(password.expose().to_owned())
            }
            _ => Verdict::Wrong,
        })
    }

    async fn hash(&self, password: Password) -> Result<String, HashError> {
        Ok(password.expose().to_owned())
    }
}

#[async_trait]
impl Passwords for Outside {
    async fn stored_login(&self, _: &LoginName) -> Result<Option<StoredLogin>, StorageError> {
        self.database()?;
        let world = self.world.lock().unwrap();
        Ok(world.exists.then(|| StoredLogin {
            user: world.user,
            password: Some(StoredPassword { hash: world.password.clone(), shapes: world.shapes }),
            generation: world.generation,
            state: world.state,
        }))
    }

    async fn renew_password(
        &self,
        _: UserId,
        before: &StoredPassword,
        renewed: &StoredPassword,
    ) -> Result<(), StorageError> {
        if self.read_only.load(Ordering::SeqCst) {
            return Err(StorageError::Unavailable("the disk is full".to_owned()));
        }
        self.change(|world| {
            if world.password == before.hash {
                world.password.clone_from(&renewed.hash);
                world.shapes = renewed.shapes;
            }
        });
        Ok(())
    }

    async fn has_unchecked_passwords(&self, shapes: ShapesDigest) -> Result<bool, StorageError> {
        let world = self.world.lock().unwrap();
        Ok(world.others_unchecked || world.shapes != shapes)
    }
}

#[async_trait]
impl Users for Outside {
    async fn add_user(&self, _: &NewUser) -> Result<UserId, AccountError> {
        panic!("no test adds users")
    }

    async fn change_user(&self, _: &AccountName, _: &UserChange) -> Result<(), AccountError> {
        panic!("no test changes users")
    }

    async fn remove_user(&self, _: &AccountName) -> Result<(), AccountError> {
        panic!("no test removes users")
    }

    async fn users(&self) -> Result<Vec<User>, StorageError> {
        panic!("no test lists users")
    }

    async fn user(&self, name: &AccountName) -> Result<Option<User>, StorageError> {
        self.database()?;
        let world = self.world.lock().unwrap();
        Ok(world.exists.then(|| User {
            id: world.user,
            name: name.clone(),
            email: None,
            certified: world.certified,
            administrator: world.administrator,
            state: world.state,
            robot_of: world.robot.then(|| ProjectId::new(5)),
            created_at: Timestamp::from_seconds(1_800_000_000),
        }))
    }

    async fn user_numbered(&self, _: UserId) -> Result<Option<User>, StorageError> {
        panic!("no test looks up users")
    }
}

/// Only accounts are counted.
#[async_trait]
impl LoginFailures for Outside {
    async fn counts(&self, attempt: &Attempt, _: Timestamp) -> Result<Counts, StorageError> {
        self.database()?;
        let account = self.world.lock().unwrap().failures.get(attempt).copied().unwrap_or_default();
        Ok(Counts { account, ..Counts::default() })
    }

    async fn count_failure(&self, attempt: &Attempt, at: Timestamp) -> Result<Counts, StorageError> {
        while self.slow_counting.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
        if self.read_only.load(Ordering::SeqCst) {
            return Err(StorageError::Unavailable("the disk is full".to_owned()));
        }
        let Counts { account, .. } = self.counts(attempt, at).await?;
        let account = account.and_one_more(at);
        self.change(|world| {
            world.failures.insert(attempt.clone(), account);
        });
        Ok(Counts { account, ..Counts::default() })
    }

    async fn forget_attempts(&self, attempt: &Attempt, _: Timestamp) -> Result<(), StorageError> {
        self.change(|world| {
            world.failures.remove(attempt);
        });
        Ok(())
    }

    async fn unlock(&self, _: &CountedName) -> Result<(), StorageError> {
        panic!("no test unlocks")
    }

    async fn unlock_network(&self, _: ClientNetwork) -> Result<(), StorageError> {
        panic!("no test unlocks")
    }

    async fn forget_failures_before(&self, _: Timestamp, _: Timestamp) -> Result<(), StorageError> {
        panic!("no test forgets failures")
    }
}

#[async_trait]
impl Tokens for Outside {
    async fn add_token(&self, token: &NewToken, _: TokenRoom) -> Result<(), AddTokenError> {
        self.database()?;
        let token = token.clone();
        self.change(|world| {
            world.tokens.push(TokenFacts {
                id: token.id,
                kind: token.kind,
                user: token.user,
                digest: token.digest,
                scopes: token.scopes,
                project: token.project,
                ends_with_generation: token.generation,
                service: token.service.as_deref().map(Box::from),
                expires_at: token.expires_at,
            });
        });
        Ok(())
    }

    async fn tokens(&self, _: ServiceTokenKind, _: Option<UserId>) -> Result<Vec<TokenRecord>, StorageError> {
        panic!("no test lists tokens")
    }

    async fn revoke_token(
        &self,
        _: ServiceTokenKind,
        _: ServiceTokenId,
        _: Option<UserId>,
    ) -> Result<bool, StorageError> {
        panic!("no test revokes tokens")
    }

    async fn end_logins(&self, _: UserId) -> Result<(), StorageError> {
        panic!("no test ends logins")
    }

    async fn write_uses(&self, _: &[(ServiceTokenId, Timestamp)], _: Duration) -> Result<(), StorageError> {
        panic!("no test writes uses")
    }

    async fn forget_ended(&self, _: Timestamp) -> Result<(), StorageError> {
        panic!("no test forgets tokens")
    }
}

#[async_trait]
impl NameReservations for Outside {
    async fn reserve(
        &self,
        name: &RepositoryName,
        user: UserId,
        _: Timestamp,
        _: ReservationLimits,
    ) -> Result<Reservation, StorageError> {
        self.database()?;
        let mut world = self.world.lock().unwrap();
        match world.repositories.get(name.as_str()) {
            Some(_) => Ok(Reservation::NameKnown),
            None if world.repositories.len() > world.room => Ok(Reservation::TooManyOfUser),
            None => {
                world.repositories.insert(name.to_string(), RepositoryFacts::Reserved { by: user });
                Ok(Reservation::Made)
            }
        }
    }

    async fn quarantine(&self, name: &RepositoryName) -> Result<(), StorageError> {
        self.change(|world| {
            world.repositories.insert(name.to_string(), RepositoryFacts::Quarantined);
        });
        Ok(())
    }

    async fn was_reserved(&self, name: &RepositoryName) -> Result<bool, StorageError> {
        Ok(self.world.lock().unwrap().ended_reservations.contains(&name.to_string()))
    }

    async fn forget_reservations(&self, _: Timestamp) -> Result<(), StorageError> {
        panic!("no test forgets reservations")
    }

    async fn quarantine_unrecorded(&self, names: &[RepositoryName]) -> Result<usize, StorageError> {
        let mut world = self.world.lock().unwrap();
        let before = world.repositories.len();
        for name in names {
            world.repositories.entry(name.to_string()).or_insert(RepositoryFacts::Quarantined);
        }
        Ok(world.repositories.len() - before)
    }
}

#[async_trait]
impl Numbers for Outside {
    async fn raise_numbers(&self, highest: i64, _: &str) -> Result<(), StorageError> {
        self.highest_number.store(usize::try_from(highest).unwrap(), Ordering::SeqCst);
        *self.numbers_raised_at.lock().unwrap() = Some(self.now());
        Ok(())
    }

    async fn numbers_raised_at(&self, _: &str) -> Result<Option<Timestamp>, StorageError> {
        Ok(*self.numbers_raised_at.lock().unwrap())
    }
}

#[async_trait]
impl RegistryContents for Outside {
    async fn holding(&self, name: &RepositoryName) -> Result<Holding, RegistryUnreachable> {
        self.registry()?;
        let world = self.world.lock().unwrap();
        Ok(world.held_by_registry.get(name.as_str()).copied().unwrap_or(Holding::Nothing))
    }

    /// Two names at a time.
    async fn catalogue_after(&self, last: &str) -> Result<CataloguePage, RegistryUnreachable> {
        self.registry()?;
        let world = self.world.lock().unwrap();
        let mut names: Vec<String> =
            world.held_by_registry.keys().filter(|name| name.as_str() > last).cloned().collect();
        names.sort();
        let has_more = names.len() >= 2;
        names.truncate(2);
        Ok(CataloguePage { names, has_more })
    }
}

impl Signer for Outside {
    fn sign(&self, claims: &[u8]) -> Result<String, SignError> {
        Ok(String::from_utf8(claims.to_vec()).unwrap())
    }

    fn condition(&self, now: Timestamp) -> KeyCondition {
        match self.key_expired.load(Ordering::SeqCst) {
            true => KeyCondition::Expired { not_after: now },
            false => KeyCondition::Usable { not_after: now },
        }
    }

    fn jwks(&self) -> Arc<str> {
        "{}".into()
    }
}

impl Clock for Outside {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000 + self.world.lock().unwrap().seconds)
    }

    fn elapsed(&self) -> Duration {
        Duration::from_secs(1)
    }
}
