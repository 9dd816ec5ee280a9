//! The worker as a program of its own: for tests, measurements and programs that embed this crate.

fn main() -> std::process::ExitCode {
    assay_encoder::worker::main()
}
