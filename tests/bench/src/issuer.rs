//! A stub of an OAuth server: it publishes keys and introspects tokens, after a pause if one is set. Real ones are in
//! the end-to-end tests; here the service is measured, and what it asks should cost as little as it can.

use std::io::Write as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::Context as _;
use auth_service::adapters::signing::{KeyDirectory, KeyWatch};
use auth_service::adapters::system::SystemClock;
use auth_service::domain::foreign::IssuerName;
use auth_service::domain::foreign::shape::{IssuerShape, TokenShapes};
use auth_service::ports::signer::Signer as _;
use auth_service::ports::system::Clock as _;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::json;

use crate::program::SERVICE_NAME;

/// Its identifier. Nobody looks for it there: the configuration says where keys and introspection are.
pub(crate) const ISSUER: &str = "https://issuer.example.org";
/// What opaque tokens begin with.
pub(crate) const OPAQUE: &str = "opaque_";
/// What its opaque tokens look like, as the service that introspects them is configured.
pub(crate) fn opaque_tokens() -> TokenShapes {
    let (name, prefixes) = (IssuerName::new("bench"), vec![OPAQUE.to_owned()]);
    TokenShapes::new(vec![IssuerShape { name, issuer: ISSUER.into(), prefixes, pattern: None }])
}

/// How many subjects it knows; each is linked to the user of the same number.
pub(crate) const SUBJECTS: usize = 1000;

/// How the stub runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder with its RSA key.
    #[arg(long)]
    keys: PathBuf,
    /// How many milliseconds an introspection takes.
    #[arg(long)]
    pause: u64,
}

impl Options {
    /// The arguments that start a stub.
    pub(crate) fn arguments(keys: &std::path::Path, pause: Duration) -> Vec<String> {
        let pause = pause.as_millis().to_string();
        ["issuer", "--keys", &keys.display().to_string(), "--pause", &pause].map(str::to_owned).into()
    }
}

struct Stub {
    keys: Arc<str>,
    pause: Duration,
}

/// The name of a subject.
pub(crate) fn subject(number: usize) -> String {
    format!("subject-{}", number % SUBJECTS)
}

/// Serves until it is killed; prints where, as `auth-service --json serve` does.
pub(crate) fn serve(options: &Options) -> anyhow::Result<()> {
    let keys = KeyWatch::open(KeyDirectory::new(&options.keys), SystemClock.now())?.jwks();
    let stub = web::Data::new(Stub { keys, pause: Duration::from_millis(options.pause) });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let line = json!({"http": listener.local_addr()?.to_string()});
    let routes = move || {
        App::new()
            .app_data(stub.clone())
            .route("/jwks", web::get().to(jwks))
            .route("/introspect", web::post().to(introspect))
    };
    let server = HttpServer::new(routes).workers(1).disable_signals().listen(listener)?;
    actix_web::rt::System::new().block_on(async {
        let running = server.run();
        writeln!(std::io::stdout(), "{line}")?;
        Ok(running.await?)
    })
}

async fn jwks(stub: web::Data<Stub>) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(stub.keys.to_string())
}

async fn introspect(form: String, stub: web::Data<Stub>) -> HttpResponse {
    actix_web::rt::time::sleep(stub.pause).await;
    let digits = form.split(['&', '=']).find_map(|text| text.strip_prefix(OPAQUE)?.parse().ok());
    let Some(number) = digits else { return HttpResponse::Ok().json(json!({"active": false})) };
    let mut claims = claims(number);
    claims["active"] = true.into();
    HttpResponse::Ok().json(claims)
}

fn claims(number: usize) -> serde_json::Value {
    json!({
        "iss": ISSUER, "sub": subject(number), "aud": SERVICE_NAME, "client_id": "bench", "scope": "download modify",
        "exp": SystemClock.now().as_seconds() + 3600,
    })
}

/// Access tokens of these numbers, signed with the RSA key of the folder.
pub(crate) fn web_tokens(
    keys: &std::path::Path,
    numbers: std::ops::Range<usize>,
) -> anyhow::Result<Vec<String>> {
    let kid = std::fs::read_to_string(keys.join("current"))?;
    let pem = std::fs::read(crate::signing::private_key_file(keys)?)?;
    let key = EncodingKey::from_rsa_pem(&pem)?;
    let header = Header {
        typ: Some("at+jwt".to_owned()),
        kid: Some(kid.trim().to_owned()),
        ..Header::new(Algorithm::RS256)
    };
    let token = |number| {
        let mut claims = claims(number);
        claims["jti"] = number.into();
        jsonwebtoken::encode(&header, &claims, &key).context("no token can be signed")
    };
    numbers.map(token).collect()
}
