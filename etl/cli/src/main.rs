//! The program `connectwise-etl`.

/// Rows come and go in batches of every size on every thread: glibc's heaps keep what was freed in pieces, and search them.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> std::process::ExitCode {
    connectwise_etl::main()
}
