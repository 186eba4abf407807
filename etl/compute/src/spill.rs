//! Temporary files of queries. They have no name in their folder, so that they are gone with the process however it ends: a killed
//! one can remove nothing.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use connectwise_storage::locked;
use datafusion::common::human_readable_size;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::{SpillFile, SpillWriter, TempFileFactory};
use futures::stream::{self, Stream};

/// Bytes that are read at a time.
const CHUNK: usize = 128 * 1024;

/// Hands out temporary files in the system's folder for them (`TMPDIR`).
#[derive(Debug)]
pub(crate) struct Spills(Arc<Room>);

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
    pub(crate) fn within(most: u64) -> Self {
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
struct TooLarge(u64);

impl std::fmt::Display for TooLarge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let most = human_readable_size(usize::try_from(self.0).unwrap_or(usize::MAX));
        // As DataFusion says it of its own files.
        write!(f, "The used disk space during the spilling process has exceeded the allowable limit of {most}. ")
    }
}

impl std::error::Error for TooLarge {}

#[cfg(test)]
mod tests {
    use connectwise_storage::shortage::{full_disk, shortage};
    use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryPool};
    use deltalake::DeltaTableError;
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

    /// An error of DataFusion as deltalake hands it on.
    fn as_text(error: DataFusionError) -> DeltaTableError {
        let error = DeltaTableError::from(error.context("sorting"));
        assert!(std::error::Error::source(&error).is_none(), "deltalake keeps it by now: {error:?}");
        error
    }

    #[test]
    fn memory_that_is_used_up_is_known_by_its_kind_and_by_its_text() {
        let pool: Arc<dyn MemoryPool> = Arc::new(FairSpillPool::new(1_000));
        let exhausted = || MemoryConsumer::new("a sort").register(&pool).try_grow(2_000).unwrap_err();
        let said = shortage(&exhausted()).unwrap();
        let start =
            "it needed 2000.0 B of memory beyond the 0.0 B that it held, and all there may be is 1000.0 B: allow";
        assert!(said.starts_with(start), "{said}");
        assert_eq!(shortage(&as_text(exhausted())), Some(said));
    }

    #[test]
    fn temporary_files_that_are_full_are_known_by_their_kind_and_by_their_text() {
        let full = || {
            let file = Spills::within(1_000).create_temp_file("test").unwrap();
            DataFusionError::IoError(file.open_writer().unwrap().write_all(&[0; 2_000]).unwrap_err())
        };
        let said = shortage(&full()).unwrap();
        assert!(said.starts_with("it wrote more than 1000.0 B to temporary files, which is all that it may"), "{said}");
        assert_eq!(shortage(&as_text(full())), Some(said));
    }

    /// Linux has a device that is always full.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_known_by_its_kind_and_by_its_text() {
        let full = || DataFusionError::IoError(std::fs::write("/dev/full", "x").unwrap_err());
        assert_eq!(full_disk(&full()), Some("no space is left on the disk"));
        assert_eq!(full_disk(&as_text(full())), Some("no space is left on the disk"));
    }

    #[test]
    fn temporary_files_have_their_own_sentence() {
        let text = "The used disk space during the spilling process has exceeded the allowable limit of 2.0 GB. \
            Please try increasing the config: `datafusion.runtime.max_temp_directory_size`.";
        let error = DataFusionError::IoError(std::io::Error::other(text)).context("sorting");
        let said = shortage(&error).unwrap();
        assert!(
            said.starts_with("it wrote more than 2.0 GB to temporary files, which is all that it may: allow more"),
            "{said}"
        );
        assert_eq!(shortage(&DataFusionError::Plan("x".to_owned())), None);
    }

    #[test]
    fn an_error_in_an_error_of_datafusion_is_found() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let wrapped = DataFusionError::External(Box::new(full)).context("writing");
        assert_eq!(full_disk(&wrapped), Some("no space is left on the disk"));
    }
}
