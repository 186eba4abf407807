//! The one way to take a lock that isn't held over an await.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Waits for a lock. A thread that panicked while it had the lock left values that are whole: everything behind these locks is changed by
/// one assignment or one call.
pub fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
