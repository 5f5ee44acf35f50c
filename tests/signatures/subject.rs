//! An entry that is signed, in a catalog of its own.

use engine_catalog::{AttachSignatureError, Attachment, DistinctKeys, ObjectId, SshSignature};

use crate::signers;
use crate::support::{Home, attach, entry};

pub(crate) struct Subject {
    home: Home,
    object: ObjectId,
    /// What is signed.
    pub(crate) bytes: Vec<u8>,
}

impl Subject {
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let object = home.put(&entry("b1", 1));
        let bytes = home.catalog.signed_bytes(&object).unwrap().unwrap();
        Self {
            home,
            object,
            bytes,
        }
    }

    pub(crate) fn attach(&self, signature: &[u8]) -> Result<ObjectId, AttachSignatureError> {
        self.home.catalog.attach_signature(&self.object, signature)
    }

    /// Attaches anything as a signature, behind the back of the catalog.
    pub(crate) fn plant(&self, payload: Vec<u8>) {
        let attachment = Attachment {
            subject: self.object,
            media_type: SshSignature::media_type(),
            name: None,
            payload,
        };
        let bytes = attachment.encode().unwrap();
        attach(self.home.catalog.root(), self.object, &bytes);
    }

    /// How many distinct keys have signed it, and how many signatures are good.
    pub(crate) fn counted(&self, text: &str) -> [usize; 2] {
        let (signers, mut keys, mut good) = (signers(text), DistinctKeys::default(), 0);
        let judged = self.home.catalog.signatures(&self.object, &signers, 0);
        for judged in judged.unwrap() {
            if let Some(key) = judged.unwrap().good_key() {
                keys.add(key);
                good += 1;
            }
        }
        [keys.count(), good]
    }
}
