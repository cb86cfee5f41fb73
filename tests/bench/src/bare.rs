//! What the service is compared with: the same HTTP server with as many workers, the same claims, the same
//! signer and the same answer, and nothing that decides or remembers.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{App, HttpResponse, HttpServer, web};
use auth_service::adapters::system::{ProcessIdentifiers, SystemClock};
use auth_service::domain::claims::{GrantedAccess, TokenTerms};
use auth_service::domain::principal::UserId;
use auth_service::ports::system::{Clock as _, Identifiers as _};
use serde::Serialize;

use crate::program;
use crate::signing::Signing;

/// How the bare server runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder with the signing keys.
    #[arg(long)]
    keys: PathBuf,
    /// Reads the RSA key in this file anew for each token, as a signer does that is handed a PEM text.
    #[arg(long)]
    parse: Option<PathBuf>,
    /// Threads that answer requests.
    #[arg(long)]
    workers: usize,
}

struct Bare {
    signing: Signing,
    terms: TokenTerms,
    identifiers: ProcessIdentifiers,
}

#[derive(Serialize)]
struct Body<'a> {
    token: &'a str,
    access_token: &'a str,
    expires_in: i64,
    issued_at: String,
}

/// Serves until it is killed; prints where, as `auth-service --json serve` does.
pub(crate) fn serve(options: &Options) -> anyhow::Result<()> {
    let bare = web::Data::new(Bare::new(options)?);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let line = serde_json::json!({"http": listener.local_addr()?.to_string()});
    let routes = move || App::new().app_data(bare.clone()).route("/token", web::get().to(token));
    let server = HttpServer::new(routes).workers(options.workers).disable_signals().listen(listener)?;
    actix_web::rt::System::new().block_on(async {
        let running = server.run();
        writeln!(std::io::stdout(), "{line}")?;
        Ok(running.await?)
    })
}

async fn token(bare: web::Data<Bare>) -> HttpResponse {
    match bare.answer() {
        Ok(answer) => answer,
        Err(error) => HttpResponse::InternalServerError().body(error.to_string()),
    }
}

impl Bare {
    fn new(options: &Options) -> anyhow::Result<Self> {
        let signing = Signing::open(&options.keys, options.parse.as_deref())?;
        let terms = TokenTerms {
            issuer: program::SERVICE_NAME.to_owned(),
            service: program::SERVICE_NAME.to_owned(),
            lifetime_seconds: 300,
        };
        Ok(Self { signing, terms, identifiers: ProcessIdentifiers::new()? })
    }

    fn answer(&self) -> anyhow::Result<HttpResponse> {
        let now = SystemClock.now();
        let identifier = self.identifiers.next();
        let access = vec![GrantedAccess {
            kind: "repository",
            name: "syn2100001/group/service1",
            actions: vec!["pull"],
        }];
        let claims = self.terms.claims(Some(UserId::new(3_500_000)), access, now, &identifier);
        let token = self.signing.token(&claims)?;
        Ok(HttpResponse::Ok().insert_header((CACHE_CONTROL, "no-store")).json(Body {
            token: &token,
            access_token: &token,
            expires_in: self.terms.lifetime_seconds,
            issued_at: now.to_string(),
        }))
    }
}

impl Options {
    /// The arguments that start a bare server.
    pub(crate) fn arguments(
        keys: &std::path::Path,
        parse: Option<&std::path::Path>,
        workers: usize,
    ) -> Vec<String> {
        let mut words = vec!["bare".to_owned(), "--keys".to_owned(), keys.display().to_string()];
        words.extend(["--workers".to_owned(), workers.to_string()]);
        words.extend(parse.iter().flat_map(|file| ["--parse".to_owned(), file.display().to_string()]));
        words
    }
}
