//! Tests and examples find the library where it was linked.

fn main() {
    if let Ok(folder) = std::env::var("DEP_DEEPMOE_LIBDIR") {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{folder}");
    }
}
