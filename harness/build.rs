//! Tells cargo that the scenarios are part of the program: new files would go unnoticed.

fn main() {
    println!("cargo::rerun-if-changed=scenarios");
}
