use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use object_store::CredentialProvider;
use object_store::aws::AwsCredential;

use super::AccessKey;

/// For how long a key pair is taken for the one that holds.
const HOLDS: Duration = Duration::from_secs(30);

/// A key pair that is read again and again. What cannot be read any more leaves the one that was.
pub(super) struct Renewed {
    source: Arc<dyn Fn() -> std::io::Result<AccessKey> + Send + Sync>,
    last: Mutex<Option<(Instant, Arc<AwsCredential>)>>,
}

impl fmt::Debug for Renewed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Renewed([redacted])")
    }
}

impl Renewed {
    pub(super) fn new(source: Arc<dyn Fn() -> std::io::Result<AccessKey> + Send + Sync>) -> Self {
        Self { source, last: Mutex::default() }
    }
}

#[async_trait]
impl CredentialProvider for Renewed {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> object_store::Result<Arc<AwsCredential>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some((since, held)) = &last
            && since.elapsed() < HOLDS
        {
            return Ok(Arc::clone(held));
        }
        let source = Arc::clone(&self.source);
        let read = tokio::task::spawn_blocking(move || source()).await;
        let held = match (read.unwrap_or_else(|error| Err(std::io::Error::other(error))), last) {
            (Ok(key), _) => Arc::new(AwsCredential {
                key_id: key.id,
                secret_key: key.secret.to_string(),
                token: key.token.map(|token| token.to_string()),
            }),
            (Err(error), Some((_, held))) => {
                tracing::error!(%error, "the store's credentials cannot be read again; the old ones are used");
                held
            }
            (Err(error), None) => {
                return Err(object_store::Error::Generic { store: "S3", source: Box::new(error) });
            }
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), Arc::clone(&held)));
        Ok(held)
    }
}
