//! No database: for servers whose roles need none.

use super::{Ahead, Begun, Result, Store, StoreError, Transaction};
use async_trait::async_trait;

/// A store that answers every request with an error.
#[derive(Debug, Clone, Copy, Default)]
pub struct AbsentStore;

#[async_trait]
impl Store for AbsentStore {
    async fn begin(&self) -> Result<Box<dyn Transaction>> {
        Err(StoreError::Absent)
    }

    async fn begin_for(&self, _: &Ahead<'_>) -> Result<Begun> {
        Err(StoreError::Absent)
    }

    async fn read(&self) -> Result<Box<dyn Transaction>> {
        Err(StoreError::Absent)
    }

    async fn close(&self) {}
}
