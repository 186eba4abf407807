//! Temporary files of queries. They have no name in their folder, so that they are gone with the process however it ends: a killed
//! one can remove nothing.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::lock::locked;
use bytes::Bytes;
use datafusion::common::human_readable_size;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::stream::{self, Stream};

/// Bytes that are read at a time.
const CHUNK: usize = 128 * 1024;

/// Hands out temporary files in the system's folder for them (`TMPDIR`).
#[derive(Debug)]
pub(super) struct Spills(Arc<Room>);

/// How much all files together may hold, and do.
#[derive(Debug)]
struct Room {
    most: u64,
    used: AtomicU64,
}

/// One of the files. Writers append, and each reader reads from the start.
#[derive(Debug)]
struct Spill {
    file: Mutex<File>,
    size: AtomicU64,
    room: Arc<Room>,
}

impl Spills {
    /// Files that may hold so many bytes together.
    pub(super) fn within(most: u64) -> Self {
        Self(Arc::new(Room { most, used: AtomicU64::new(0) }))
    }
}

impl TempFileFactory for Spills {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        let file = tempfile::tempfile().map_err(|error| {
            let folder = std::env::temp_dir();
            let why = format!("no temporary file can be made in {} ({description})", folder.display());
            DataFusionError::IoError(error).context(why)
        })?;
        Ok(Arc::new(Handle(Arc::new(Spill { file: Mutex::new(file), size: AtomicU64::new(0), room: self.0.clone() }))))
    }
}

impl Spill {
    fn open(&self) -> MutexGuard<'_, File> {
        locked(&self.file)
    }

    fn append(&self, bytes: &[u8]) -> std::io::Result<()> {
        let more = bytes.len() as u64;
        if self.room.used.fetch_add(more, Ordering::Relaxed) + more > self.room.most {
            self.room.used.fetch_sub(more, Ordering::Relaxed);
            return Err(std::io::Error::other(TooLarge(self.room.most)));
        }
        // Counted before it is written: what is left of a failed write takes room, too.
        self.size.fetch_add(more, Ordering::Relaxed);
        let mut file = self.open();
        let written = file.seek(SeekFrom::End(0)).and_then(|_| file.write_all(bytes));
        // A full disk is another one than that of the lakehouse, mostly.
        written.map_err(|error| std::io::Error::other(Unwritten(error.kind())))
    }

    fn read(&self, from: u64) -> std::io::Result<Bytes> {
        let mut chunk = Vec::with_capacity(CHUNK);
        let mut file = self.open();
        file.seek(SeekFrom::Start(from))?;
        (&mut *file).take(CHUNK as u64).read_to_end(&mut chunk)?;
        Ok(chunk.into())
    }
}

impl Drop for Spill {
    fn drop(&mut self) {
        self.room.used.fetch_sub(self.size.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

/// A file as queries hold it.
struct Handle(Arc<Spill>);

impl SpillFile for Handle {
    fn size(&self) -> Option<u64> {
        Some(self.0.size.load(Ordering::Relaxed))
    }

    fn read_stream(&self) -> Result<Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>> {
        let chunks = stream::try_unfold((self.0.clone(), 0), |(spill, from)| async move {
            let read = spill.clone();
            // A disk may be slow, and those who compute meanwhile aren't to wait for it.
            let read = tokio::task::spawn_blocking(move || read.read(from)).await;
            let chunk = read.map_err(std::io::Error::from).flatten().map_err(DataFusionError::IoError)?;
            let next = from + chunk.len() as u64;
            Ok((!chunk.is_empty()).then_some((chunk, (spill, next))))
        });
        Ok(Box::pin(chunks))
    }

    fn open_writer(&self) -> Result<Box<dyn SpillWriter>> {
        Ok(Box::new(Writer(self.0.clone())))
    }
}

struct Writer(Arc<Spill>);

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.append(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl SpillWriter for Writer {
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A temporary file couldn't be written.
#[derive(Debug)]
struct Unwritten(std::io::ErrorKind);

impl std::fmt::Display for Unwritten {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let folder = std::env::temp_dir();
        write!(
            f,
            "temporary files can't be written to {} ({}): give TMPDIR a folder that has room",
            folder.display(),
            self.0
        )
    }
}

impl std::error::Error for Unwritten {}

/// The files together are as large as they may be.
#[derive(Debug)]
pub(super) struct TooLarge(u64);

impl TooLarge {
    /// All that they may hold, as people read it.
    pub(super) fn most(&self) -> String {
        human_readable_size(usize::try_from(self.0).unwrap_or(usize::MAX))
    }
}

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = self.most();
        // As DataFusion says it of its own files.
        write!(f, "The used disk space during the spilling process has exceeded the allowable limit of {most}. ")
    }
}

impl std::error::Error for TooLarge {}

#[cfg(test)]
mod tests {
    use futures::TryStreamExt;

    use super::*;

    async fn content(file: &Arc<dyn SpillFile>) -> Vec<u8> {
        file.read_stream().unwrap().try_collect::<Vec<Bytes>>().await.unwrap().concat()
    }

    #[tokio::test]
    async fn what_was_written_is_read_as_often_as_one_likes_and_room_comes_back() {
        let spills = Spills::within(1_000_000);
        let file = spills.create_temp_file("test").unwrap();
        let bytes: Vec<u8> = (0..300_000_u32).map(|at| at as u8).collect();
        let mut writer = file.open_writer().unwrap();
        writer.write_all(&bytes[..200_000]).unwrap();
        assert_eq!(content(&file).await, bytes[..200_000]);
        writer.write_all(&bytes[200_000..]).unwrap();
        let (one, other) = futures::join!(content(&file), content(&file));
        assert!(one == bytes && other == bytes && file.path().is_none() && file.size() == Some(300_000));
        let second = spills.create_temp_file("test").unwrap();
        let mut full = second.open_writer().unwrap();
        full.write_all(&[0; 700_000]).unwrap();
        let error = full.write_all(b"x").unwrap_err();
        assert!(error.to_string().contains("has exceeded the allowable limit of 976.6 KB"), "{error}");
        drop((full, second));
        writer.write_all(b"x").unwrap();
    }
}
