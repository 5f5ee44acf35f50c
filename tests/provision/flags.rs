//! CMake flags in their one form.

#[path = "../../examples/provision/flags.rs"]
mod normal;

use normal::{normalized, with_default};

fn of(words: &[&str]) -> Result<Vec<String>, String> {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    normalized(&words)
}

#[test]
fn deprecated_options_of_llama_cpp_have_their_name_of_today() {
    for (old, new) in [
        ("-DLLAMA_CUBLAS=ON", "-DGGML_CUDA=ON"),
        ("-DLLAMA_CUBLAS=1", "-DGGML_CUDA=ON"),
        ("-DLLAMA_CUBLAS:BOOL=on", "-DGGML_CUDA=ON"),
        ("-DLLAMA_CUBLAS=OFF", "-DGGML_CUDA=OFF"),
        ("-DLLAMA_CUBLAS=", "-DGGML_CUDA=OFF"),
        ("-DLLAMA_CUBLAS_F16=yes", "-DGGML_CUDA=ON"),
        ("-DLLAMA_CUDA=ON", "-DGGML_CUDA=ON"),
        ("-DLLAMA_METAL=true", "-DGGML_METAL=ON"),
        (
            "-DLLAMA_METAL_EMBED_LIBRARY=ON",
            "-DGGML_METAL_EMBED_LIBRARY=ON",
        ),
        ("-DLLAMA_NATIVE=no", "-DGGML_NATIVE=OFF"),
        ("-DLLAMA_RPC=Y", "-DGGML_RPC=ON"),
        ("-DLLAMA_SYCL=ON", "-DGGML_SYCL=ON"),
        ("-DLLAMA_SYCL_F16=FALSE", "-DGGML_SYCL_F16=OFF"),
        ("-DLLAMA_CANN=CANN-NOTFOUND", "-DGGML_CANN=OFF"),
        // These have no other name.
        ("-DLLAMA_CURL=off", "-DLLAMA_CURL=off"),
        ("-DGGML_CUDA=1", "-DGGML_CUDA=1"),
        ("-DMY_LLAMA_CUBLAS=1", "-DMY_LLAMA_CUBLAS=1"),
    ] {
        assert_eq!(of(&[old]), Ok(vec![new.to_owned()]), "{old}");
    }
}

#[test]
fn the_same_flags_in_other_words_are_the_same() {
    let expected = of(&["-DA=1", "-DGGML_CUDA=ON"]).unwrap();
    for words in [
        &["-DGGML_CUDA=ON", "-DA=1"][..],
        &["-D", "GGML_CUDA=ON", "-D", "A=1"],
        &["-DGGML_CUDA:BOOL=ON", "-DA:STRING=1"],
        &["-DA=2", "-DLLAMA_CUBLAS=ON", "-DA=1"],
        &["-DGGML_CUDA=OFF", "-DA=1", "-DLLAMA_CUBLAS=ON"],
    ] {
        assert_eq!(of(words).as_ref(), Ok(&expected), "{words:?}");
    }
    // Half precision is one thing, CUDA another.
    let cuda = of(&["-DLLAMA_CUBLAS=ON", "-DLLAMA_CUBLAS_F16=OFF"]);
    assert_eq!(cuda, Ok(vec!["-DGGML_CUDA=ON".to_owned()]));
    assert_eq!(of(&["-DLLAMA_CUBLAS_F16=OFF"]), Ok(vec![]));
    // The value is what it is.
    let odd = "-DFLAGS=-march=native -O2;x:y";
    assert_eq!(of(&[odd]), Ok(vec![odd.to_owned()]));
}

#[test]
fn what_is_no_definition_is_refused() {
    for words in [
        &["-B", "elsewhere"][..],
        &["-DA"],
        &["-D"],
        &["-D=1"],
        &["-D:BOOL=1"],
        &["A=1"],
        &["-UA"],
        &[""],
    ] {
        let message = of(words).unwrap_err();
        assert!(
            message.ends_with("is no CMake flag of the form -DNAME=VALUE"),
            "{message}"
        );
    }
}

#[test]
fn a_default_takes_the_place_of_nothing() {
    let default = "-DCMAKE_BUILD_TYPE=Release";
    let with = |words: &[&str]| with_default(of(words).unwrap(), default);
    assert_eq!(with(&["-DZ=1", "-DA=1"]), ["-DA=1", default, "-DZ=1"]);
    let debug = "-DCMAKE_BUILD_TYPE=Debug";
    assert_eq!(with(&[debug]), [debug]);
}
