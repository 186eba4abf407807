//! The program `connectwise-etl`.

fn main() -> std::process::ExitCode {
    connectwise_etl::cli::main()
}
