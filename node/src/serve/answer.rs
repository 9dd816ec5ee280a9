//! Answers and their heads.

use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::header::HeaderValue;
use hyper::{Request, Response};

/// A body whatever its source.
pub(super) type Body = UnsyncBoxBody<Bytes, std::io::Error>;

/// Bytes as a body.
pub(super) fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// An answer with a few words.
pub(super) fn plain(status: u16, words: &'static str) -> Response<Body> {
    headed(
        status,
        "text/plain; charset=utf-8",
        words.len() as u64,
        full(words),
    )
}

/// An answer with what every one has: pages of any origin may read it.
pub(super) fn headed(status: u16, kind: &'static str, length: u64, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    let headers = response.headers_mut();
    let fixed = [
        ("content-type", kind),
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "GET, HEAD, OPTIONS"),
        ("access-control-allow-headers", "Authorization, Range"),
        (
            "access-control-expose-headers",
            "Content-Length, Content-Range",
        ),
        ("access-control-max-age", "86400"),
        ("x-content-type-options", "nosniff"),
        ("accept-ranges", "bytes"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if status == 401 {
        headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
    }
    headers.insert("content-length", length.into());
    response
}

/// What a request shows.
pub(super) enum Shown {
    Nothing,
    Header(String),
    Query(String),
}

pub(super) fn token_of<T>(request: &Request<T>) -> Shown {
    let header = request.headers().get("authorization");
    let bearer = header
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split_once(' '))
        // RFC 9110, 11.1: the scheme's name has no case.
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    if let Some((_, token)) = bearer {
        return Shown::Header(token.to_owned());
    }
    let query = request.uri().query().unwrap_or_default();
    let mut parts = form_urlencoded::parse(query.as_bytes());
    match parts.find(|(name, _)| name == "token") {
        Some((_, token)) => Shown::Query(token.into_owned()),
        None => Shown::Nothing,
    }
}
