//! From a wish to something that can be started: choose, then get the image if one is needed.

use super::{
    Engine, EngineError, Via,
    choose::{self, Means, NotAvailable, Offer, Wish, choose},
    image::{self, Image, ImageError, ImageSpec},
};
use crate::event::Observer;

/// How a subject will be run.
#[derive(Clone, Debug)]
pub struct Obtained {
    /// Ready to be started.
    pub via: Via,
    /// What was taken and why: "in a container: an engine answers (…)".
    pub why: String,
    /// The image, where it is a container.
    pub image: Option<Image>,
}

/// Chooses a launcher for `wish` and prepares its image; where no image is to be had, the next
/// best way is taken.
///
/// # Errors
/// No way that the wish allows is open; each is named with its reason.
pub async fn obtain(
    wish: &Wish<'_>,
    engine: &Result<Engine, EngineError>,
    spec: Option<&ImageSpec>,
    observer: &mut dyn Observer,
) -> Result<Obtained, NotAvailable> {
    let mut offer = Offer {
        engine: match engine {
            Ok(engine) => Ok(engine.version().to_owned()),
            Err(error) => Err(error.to_string()),
        },
        program: choose::program(wish),
    };
    loop {
        let choice = choose(wish, &offer)?;
        let why = choice.to_string();
        match (choice.means, engine) {
            (Means::Container, Ok(engine)) => match get_image(wish, engine, spec, observer).await {
                Ok(image) => return Ok(in_container(engine, image, &why)),
                Err(error) => offer.engine = Err(error.to_string()),
            },
            (Means::Container, Err(error)) => offer.engine = Err(error.to_string()),
            (Means::Process(program), _) => {
                return Ok(Obtained {
                    via: Via::Process { program },
                    why,
                    image: None,
                });
            }
        }
    }
}

fn in_container(engine: &Engine, image: Image, why: &str) -> Obtained {
    Obtained {
        via: Via::Container {
            engine: engine.clone(),
            image: image.tag.clone(),
        },
        why: format!("{why}; image {} ({})", image.tag, image.origin),
        image: Some(image),
    }
}

async fn get_image(
    wish: &Wish<'_>,
    engine: &Engine,
    spec: Option<&ImageSpec>,
    observer: &mut dyn Observer,
) -> Result<Image, ImageError> {
    match (wish.image, spec) {
        (Some(named), _) => image::ensure_named(engine, named, observer).await,
        (None, Some(spec)) => image::ensure(engine, spec, observer).await,
        (None, None) => Err(ImageError::None {
            name: wish.name.to_owned(),
        }),
    }
}
