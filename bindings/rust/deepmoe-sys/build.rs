//! Finds the library: DEEPMOE_LIBRARY names its file; else pkg-config knows its folder.

use std::{env, path::PathBuf};

fn main() {
    println!("cargo::rerun-if-env-changed=DEEPMOE_LIBRARY");
    let runtime = env::var_os("CARGO_FEATURE_RUNTIME").is_some();
    let (package, library) = if runtime { ("deepmoe-runtime", "deepmoe_runtime") } else { ("deepmoe", "deepmoe") };
    match env::var_os("DEEPMOE_LIBRARY")
        .map(PathBuf::from)
        .map_or_else(|| ask_pkg_config(package), |file| folder_of(file, library))
    {
        Ok(folder) => {
            println!("cargo::rustc-link-search=native={folder}");
            println!("cargo::rustc-link-lib=dylib={library}");
            println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
            println!("cargo::metadata=libdir={folder}");
        }
        Err(reason) => println!("cargo::error={reason}"),
    }
}

fn folder_of(file: PathBuf, library: &str) -> Result<String, String> {
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !file.is_file() || !name.starts_with(&format!("lib{library}.")) {
        return Err(format!("DEEPMOE_LIBRARY is {}, must be a file lib{library}.so", file.display()));
    }
    let folder = file.canonicalize().map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(folder.parent().expect("a file is in a folder").display().to_string())
}

fn ask_pkg_config(package: &str) -> Result<String, String> {
    pkg_config::Config::new().cargo_metadata(false).probe(package).map_err(|error| {
        format!("libdeepmoe was not found: set PKG_CONFIG_PATH to the folder of {package}.pc, or DEEPMOE_LIBRARY to the library. {error}")
    })?;
    pkg_config::get_variable(package, "libdir").map_err(|error| error.to_string())
}
