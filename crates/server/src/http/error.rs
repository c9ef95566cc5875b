//! Errors of the JSON routes.

use crate::throttle::Throttled;
use crate::use_case::Failure;
use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use nccp::json::ErrorBody;
use nccp::{ErrorCode, WireError};

/// An error with its status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonError {
    pub(super) status: StatusCode,
    pub(super) code: ErrorCode,
    /// What it says beyond the code.
    pub(super) said: Option<WireError>,
    /// Seconds, for `Retry-After`.
    pub(super) retry: Option<u64>,
}

impl JsonError {
    pub(super) const fn new(status: StatusCode, code: ErrorCode) -> Self {
        Self { status, code, said: None, retry: None }
    }

    /// Too many at once.
    pub(super) const BUSY: Self = Self {
        status: StatusCode::SERVICE_UNAVAILABLE,
        code: ErrorCode::TryLater,
        said: None,
        retry: Some(2),
    };
    pub(super) const BAD_REQUEST: Self = Self::new(StatusCode::BAD_REQUEST, ErrorCode::RequestInvalid);
    pub(super) const TOO_LARGE: Self = Self::new(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::RequestInvalid);
    pub(super) const UNSUPPORTED: Self =
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, ErrorCode::RequestInvalid);
}

impl From<Throttled> for JsonError {
    fn from(Throttled(seconds): Throttled) -> Self {
        Self { retry: Some(seconds), ..Self::new(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TryLater) }
    }
}

impl From<super::body::NotSingle> for JsonError {
    fn from(_: super::body::NotSingle) -> Self {
        Self::BAD_REQUEST
    }
}

impl From<super::body::BodyError> for JsonError {
    fn from(error: super::body::BodyError) -> Self {
        match error {
            super::body::BodyError::TooLarge => Self::TOO_LARGE,
            super::body::BodyError::Broken => Self::BAD_REQUEST,
        }
    }
}

impl From<Failure> for JsonError {
    fn from(failure: Failure) -> Self {
        let error = failure.told();
        let code = error.code;
        let status = match code {
            ErrorCode::LoginRequired | ErrorCode::LoginFailed | ErrorCode::NotAuthentic => {
                StatusCode::UNAUTHORIZED
            }
            ErrorCode::RegionNotAllowed => StatusCode::UNAVAILABLE_FOR_LEGAL_REASONS,
            ErrorCode::CodeExpired => StatusCode::GONE,
            ErrorCode::MovieUnknown | ErrorCode::DeviceUnknown | ErrorCode::CodeUnknown => {
                StatusCode::NOT_FOUND
            }
            ErrorCode::TryLater => StatusCode::SERVICE_UNAVAILABLE,
            ErrorCode::RemovalLimitReached => StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::RequestInvalid | ErrorCode::CertificateInvalid => StatusCode::BAD_REQUEST,
            _ => StatusCode::FORBIDDEN,
        };
        Self {
            said: Some(error),
            retry: (code == ErrorCode::TryLater).then_some(5),
            ..Self::new(status, code)
        }
    }
}

impl IntoResponse for JsonError {
    fn into_response(self) -> Response {
        let body = ErrorBody::from(self.said.unwrap_or_else(|| self.code.into()));
        let mut response = (self.status, Json(body)).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
