//! Who may ask. Pure: headers and addresses in, a verdict out.
//!
//! A page of the web can make a browser ask here, as the browser's user. What it can be stopped by is
//! what the browser says truly: the name that it has called (a name that anybody can make lead here, an
//! address not), and the page's origin.

use std::net::{IpAddr, SocketAddr};

use axum::http::header::{CONTENT_TYPE, HOST, ORIGIN};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, StatusCode};

use crate::refusal::Refusal;

/// Who may publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Publishers {
    /// Who asks from this machine, by `127.0.0.1` or `::1` and not by a proxy
    Local,
    /// Whoever can reach the port
    Anyone,
    /// Nobody
    Nobody,
}

/// What is asked of who asks.
pub(crate) struct Guard {
    /// The name or address that was listened on.
    host: String,
    /// The names that were allowed: the server is called so, and pages from there may ask.
    names: Vec<String>,
    publishers: Publishers,
}

impl Guard {
    pub(crate) fn new(host: &str, allowed: Vec<String>, publishers: Publishers) -> Guard {
        let names = allowed.iter().map(|name| plain(name)).collect();
        Guard { host: plain(host), names, publishers }
    }

    /// Judges who asks anything at all.
    ///
    /// # Errors
    ///
    /// The server is not called so, or the page that asks is another's.
    pub(crate) fn judge(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let called = text(headers, &HOST)?;
        if let Some(called) = called {
            let host = host_of(called).ok_or_else(|| {
                Refusal::new(StatusCode::BAD_REQUEST, format!("`{called}` is no host"))
            })?;
            if !self.is_called(&host) {
                let reason = format!("this server does not answer to the name `{host}`");
                return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, reason)
                    .hint(format!("`--allow-host {host}` of the plugin has it do so")));
            }
        }
        let Some(origin) = text(headers, &ORIGIN)? else { return Ok(()) };
        let page = origin.split_once("://").map(|(_, authority)| authority);
        let same = page.is_some() && page.map(plain) == called.map(plain);
        if same || page.and_then(host_of).is_some_and(|host| self.names.contains(&host)) {
            return Ok(());
        }
        let reason = format!("pages of `{origin}` may not ask this server");
        Err(Refusal::new(StatusCode::FORBIDDEN, reason)
            .hint("`--allow-host NAME` of the plugin lets those of NAME do so"))
    }

    /// Judges who publishes.
    ///
    /// # Errors
    ///
    /// This one may not, or does not say that it is JSON.
    pub(crate) fn judge_publisher(
        &self,
        headers: &HeaderMap,
        client: SocketAddr,
    ) -> Result<(), Refusal> {
        let may = match self.publishers {
            Publishers::Local => client.ip().to_canonical().is_loopback() && !is_passed_on(headers),
            Publishers::Anyone => true,
            Publishers::Nobody => false,
        };
        if !may {
            let from = client.ip().to_canonical();
            let passed_on = if is_passed_on(headers) { " by a proxy" } else { "" };
            let reason = format!("nobody may publish from {from}{passed_on}");
            return Err(Refusal::new(StatusCode::FORBIDDEN, reason)
                .hint("`--publish` of the plugin says who may"));
        }
        // What forms send, a page may send to anywhere without asking; this not.
        let kind = text(headers, &CONTENT_TYPE)?.unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if kind.eq_ignore_ascii_case("application/json") {
            return Ok(());
        }
        Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a value is sent as JSON")
            .hint("say so by `Content-Type: application/json`, as `curl --json` does"))
    }

    fn is_called(&self, host: &str) -> bool {
        host.parse::<IpAddr>().is_ok()
            || host == "localhost"
            || host.ends_with(".localhost")
            || host == self.host
            || self.names.iter().any(|name| name == host)
    }
}

/// Whether a proxy asks for somebody else, who need not be on the proxy's machine.
fn is_passed_on(headers: &HeaderMap) -> bool {
    ["forwarded", "x-forwarded-for", "x-real-ip", "via"].iter().any(|it| headers.contains_key(*it))
}

/// A header's text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Refusal> {
    let value = headers.get(name).map(|value| value.to_str());
    value.transpose().map_err(|_| {
        Refusal::new(StatusCode::BAD_REQUEST, format!("the header `{name}` is no text"))
    })
}

/// The host of `host:port`; an address without its brackets.
fn host_of(authority: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    let host = authority.host();
    Some(plain(host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)))
}

/// A name as it is compared.
fn plain(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    fn guard(publishers: Publishers) -> Guard {
        Guard::new("board", vec!["Board.Example".to_owned()], publishers)
    }

    #[test]
    fn a_name_that_could_be_anybodys_is_refused() {
        let guard = guard(Publishers::Local);
        for (host, status) in [
            ("127.0.0.1:8080", None),
            ("[::1]:8080", None),
            ("192.168.1.7", None),
            ("localhost:1", None),
            ("LOCALHOST.", None),
            ("a.localhost", None),
            ("board", None),
            ("board.example:8080", None),
            ("evil.example", Some(StatusCode::MISDIRECTED_REQUEST)),
            ("localhost.evil.example", Some(StatusCode::MISDIRECTED_REQUEST)),
            ("notlocalhost", Some(StatusCode::MISDIRECTED_REQUEST)),
            ("127.0.0.1.evil.example", Some(StatusCode::MISDIRECTED_REQUEST)),
            ("a b", Some(StatusCode::BAD_REQUEST)),
        ] {
            let refused = guard.judge(&headers(&[(HOST, host)])).err().map(|it| it.status);
            assert_eq!(refused, status, "{host}");
        }
        assert!(guard.judge(&HeaderMap::new()).is_ok());
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let guard = guard(Publishers::Local);
        for (host, origin, allowed) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
            ("localhost:8080", "http://LOCALHOST:8080", true),
            ("127.0.0.1:8080", "https://board.example", true),
            ("127.0.0.1:8080", "http://127.0.0.1:3000", false),
            ("127.0.0.1:8080", "http://localhost:8080", false),
            ("127.0.0.1:8080", "https://evil.example", false),
            ("board:8080", "http://board:8080", true),
            ("board:8080", "http://board:3000", false),
            ("127.0.0.1:8080", "null", false),
            ("127.0.0.1:8080", "", false),
        ] {
            let judged = guard.judge(&headers(&[(HOST, host), (ORIGIN, origin)]));
            assert_eq!(judged.is_ok(), allowed, "{origin}");
        }
    }

    #[test]
    fn who_publishes_is_known_and_says_that_it_is_json() {
        let json = headers(&[(CONTENT_TYPE, "Application/JSON; charset=utf-8")]);
        for (publishers, from, may) in [
            (Publishers::Local, "127.0.0.1:1", true),
            (Publishers::Local, "[::1]:1", true),
            (Publishers::Local, "[::ffff:127.0.0.1]:1", true),
            (Publishers::Local, "192.168.1.7:1", false),
            (Publishers::Anyone, "192.168.1.7:1", true),
            (Publishers::Nobody, "127.0.0.1:1", false),
        ] {
            let client = from.parse().unwrap();
            let judged = guard(publishers).judge_publisher(&json, client);
            assert_eq!(judged.is_ok(), may, "{publishers:?} {from}");
        }
        let mut passed_on = json.clone();
        passed_on.insert("x-forwarded-for", "192.168.1.7".parse().unwrap());
        let client = "127.0.0.1:1".parse().unwrap();
        assert!(guard(Publishers::Local).judge_publisher(&passed_on, client).is_err());
        assert!(guard(Publishers::Anyone).judge_publisher(&passed_on, client).is_ok());
        for kind in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp"] {
            let headers = headers(&[(CONTENT_TYPE, kind)]);
            let refused = guard(Publishers::Local).judge_publisher(&headers, client).unwrap_err();
            assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
        }
    }
}
