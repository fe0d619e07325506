//! Compiles `src/steer.bpf.c` with clang.
//!
//! clang alone is needed: the program brings the few declarations of the kernel
//! that it uses, and no other compiler is asked for. Paths of the building
//! machine stay out of the object, so that it is the same wherever it is built.

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=src/steer.bpf.c");
    println!("cargo::rerun-if-changed=src/kernel.h");
    println!("cargo::rerun-if-env-changed=CLANG");

    let clang = env::var_os("CLANG").unwrap_or_else(|| "clang".into());
    let object = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default()).join("steer.bpf.o");
    let endian = match env::var("CARGO_CFG_TARGET_ENDIAN").as_deref() {
        Ok("big") => "bpfeb",
        _ => "bpfel",
    };
    let output = Command::new(&clang)
        .args(["-target", endian, "-mcpu=v3", "-O2", "-g", "-Wall", "-Wextra", "-Werror"])
        .args(["-fdebug-compilation-dir=.", "-c", "src/steer.bpf.c", "-o"])
        .arg(&object)
        .output();
    match output {
        Ok(output) if output.status.success() => ExitCode::SUCCESS,
        Ok(output) => fail(&format!(
            "{} could not compile ebpf/src/steer.bpf.c (clang 14 or newer with the bpf target is needed):\n{}",
            clang.display(),
            String::from_utf8_lossy(&output.stderr)
        )),
        Err(error) => fail(&format!(
            "cannot run {}: {error}. The XDP program is compiled by clang: install the package `clang` \
             (Debian, Ubuntu: apt-get install clang), or name the compiler in the variable CLANG",
            clang.display()
        )),
    }
}

fn fail(message: &str) -> ExitCode {
    for line in message.lines() {
        println!("cargo::error={line}");
    }
    ExitCode::FAILURE
}
