//! An engine that is a container image. It is not pulled here: its digest says which image it is, and
//! the runtime that pulls it checks that.

use engine_catalog::Artifacts;

use crate::Result;
use crate::arguments::ContainerArgs;
use crate::flags::normalized;
use crate::plan::{Step, Way};
use crate::request::{Mode, Prepared, Request, refuse_secret};

pub(crate) struct Container {
    request: Request,
    image: String,
    version: String,
}

impl Container {
    pub(crate) fn new(engine: &str, version: Option<&str>, args: &ContainerArgs) -> Result<Self> {
        let image = &args.image;
        refuse_secret("image", image)?;
        let (name, digest) = image.split_once('@').ok_or_else(|| {
            format!("image {image} has no digest: a tag alone may be another image tomorrow")
        })?;
        let hex = digest.strip_prefix("sha256:").unwrap_or_default();
        let is_hex = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex.len() != 64 || !is_hex {
            return Err(format!("image {image} does not end with @sha256: and 64 digits").into());
        }
        // A colon before the last slash is that of a port.
        let tag = name.rsplit('/').next().and_then(|it| it.split_once(':'));
        let tag = tag.map(|(_, tag)| tag.to_owned());
        let version = version.map(str::to_owned).or_else(|| tag.clone());
        let version = version.ok_or("the image has no tag that tells a version: give --version")?;
        let request = Request {
            engine: engine.to_owned(),
            mode: Mode::Container,
            version: Some(version.clone()),
            build_ref: tag,
            flags: normalized(&args.flags)?,
            terms: vec![("image", image.clone())],
        };
        let image = image.clone();
        Ok(Self {
            request,
            image,
            version,
        })
    }
}

impl Way for Container {
    fn request(&self) -> &Request {
        &self.request
    }

    fn steps(&self) -> Vec<Step> {
        vec![Step::new("record", self.image.clone())]
    }

    fn prepare(&self, _afresh: bool) -> Result<Prepared> {
        Ok(Prepared {
            version: self.version.clone(),
            artifacts: Artifacts::Image(self.image.clone()),
        })
    }
}
