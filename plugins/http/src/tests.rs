//! The lifespan with a client that is a socket; its runtime is its own, so time is that of all.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};

use lifespan_plugin_api::testing::{self, Tester};

use super::*;

/// Asks for a path, and gives the whole answer.
async fn get(test: &Tester, path: &'static str) -> Result<String> {
    let url = test.topic::<String>("http/address")?.get().context("it has no address")?;
    let server = url.strip_prefix("http://").context("it is no URL")?.to_owned();
    let asked = test.spawn_blocking(move || {
        let mut stream = TcpStream::connect(server)?;
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    });
    asked.await?
}

#[test]
fn a_value_is_served_as_it_is_now() {
    let ended = testing::plugin::<http>().args(["--port", "0"]).run_with(async |test| {
        let score = test.topic::<u32>("score")?;
        assert!(get(&test, "/topics/score").await?.starts_with("HTTP/1.0 204 "));
        for points in [15, 30] {
            score.publish(points).await?;
            let answer = get(&test, "/topics/score").await?;
            assert!(answer.ends_with(&format!("\r\n\r\n{points}")), "{answer}");
        }
        Ok(())
    });
    ended.assert_ok();
    assert!(ended.logged("Serving http://127.0.0.1:"), "{ended}");
}

#[test]
fn a_port_that_is_taken_is_told_with_what_helps() {
    let taken = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = testing::run::<http>(["--port", &port]);
    ended.assert_fails(&format!("cannot listen on 127.0.0.1, port {port}"));
    ended.assert_fails("`--port 0` takes one that is free");
}

/// A connection to the server, which does not wait for ever.
fn connection(test: &Tester) -> Result<TcpStream> {
    let url = test.topic::<String>("http/address")?.get().context("it has no address")?;
    let stream = TcpStream::connect(url.strip_prefix("http://").context("it is no URL")?)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    Ok(stream)
}

#[test]
fn a_stream_begins_though_a_topic_is_always_busy() {
    let ended = testing::plugin::<http>().args(["--port", "0"]).run_with(async |test| {
        let busy = test.topic::<Vec<u8>>("busy")?;
        busy.publish(vec![1; 1_000_000]).await?;
        let mut stream = connection(&test)?;
        let began = test.spawn_blocking(move || {
            write!(stream, "GET /events/busy?latest HTTP/1.0\r\n\r\n")?;
            let mut status = [0; 12];
            stream.read_exact(&mut status)?;
            assert_eq!(&status, b"HTTP/1.0 200");
            Ok(())
        });
        let mut began = std::pin::pin!(began);
        loop {
            tokio::select! {
                biased;
                began = &mut began => return began?,
                published = busy.publish(vec![1; 1_000_000]) => published?,
            }
            // The others have their turn.
            tokio::task::yield_now().await;
        }
    });
    ended.assert_ok();
}
