//! The assay program: commands and nothing else.

mod command;

use std::process::ExitCode;

use clap::Parser;

/// Verification network for outsourced video transcoding. Unaudited: for test networks only.
#[derive(Parser)]
#[command(name = "assay", version, about, max_term_width = 110)]
struct Program {
    #[command(subcommand)]
    command: command::Command,
}

fn main() -> ExitCode {
    let program = match Program::try_parse() {
        Ok(program) => program,
        Err(e) => {
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { command::USAGE } else { 0 });
        }
    };
    command::run(program.command)
}
