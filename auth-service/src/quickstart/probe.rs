//! Asking the two local servers how they are: one plain HTTP request at a time, and waiting until something
//! is so. Nothing secret is sent.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{interval, timeout};

/// How long one answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
/// Most bytes of an answer that are looked at.
const MOST_BYTES: u64 = 1 << 20;
/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(20);

/// The answer to `GET path`: status line, header and body as they came.
pub(super) async fn get(address: SocketAddr, path: &str) -> io::Result<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.take(MOST_BYTES).read_to_end(&mut answer).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    timeout(ANSWER_TIMEOUT, exchange).await?
}

/// Whether `condition` came true in time.
pub(super) async fn wait_until(timeout: Duration, condition: impl AsyncFn() -> bool) -> bool {
    let come_true = async {
        let mut looks = interval(PAUSE);
        loop {
            looks.tick().await;
            if condition().await {
                return;
            }
        }
    };
    tokio::time::timeout(timeout, come_true).await.is_ok()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn waiting_ends_with_the_condition_or_with_the_patience() {
        let looks = Cell::new(0);
        let third_time = async || {
            looks.set(looks.get() + 1);
            looks.get() == 3
        };
        assert!(wait_until(Duration::from_secs(10), third_time).await);
        assert!(!wait_until(Duration::from_millis(50), async || false).await);
    }

    #[tokio::test]
    async fn a_port_that_nobody_listens_on_is_an_error() {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(get(free, "/").await.is_err());
    }
}
