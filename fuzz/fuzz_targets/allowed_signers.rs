#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| checks::allowed_signers(data));
