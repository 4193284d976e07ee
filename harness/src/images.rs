//! The container images that the bench can use, and preparing them ahead of a run.
//!
//! An image is a name, the official image to pull where there is one and, for where that is not to
//! be had, the Dockerfile to build one on a Debian base. Adding one is a folder in `images/` and a
//! line here.

use crate::{
    backends::libfcgi,
    event::{Event, Observer},
    launch::{
        Engine,
        image::{self, Image, ImageError, ImageSpec},
    },
};

/// Every image the bench knows.
pub static IMAGES: &[ImageSpec] = &[
    ImageSpec {
        name: "nginx",
        official: Some("nginx:1.29"),
        dockerfile: include_str!("../images/nginx/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "apache",
        official: Some("httpd:2.4.65"),
        dockerfile: include_str!("../images/apache/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "lighttpd",
        official: None,
        dockerfile: include_str!("../images/lighttpd/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "haproxy",
        official: Some("haproxy:3.2"),
        dockerfile: include_str!("../images/haproxy/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "caddy",
        official: Some("caddy:2.10"),
        dockerfile: include_str!("../images/caddy/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "uwsgi",
        official: None,
        dockerfile: include_str!("../images/uwsgi/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "php-fpm",
        official: Some("php:8.4-fpm"),
        dockerfile: include_str!("../images/php-fpm/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "fcgiwrap",
        official: None,
        dockerfile: include_str!("../images/fcgiwrap/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "gunicorn",
        official: None,
        dockerfile: include_str!("../images/gunicorn/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "granian",
        official: None,
        dockerfile: include_str!("../images/granian/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "php-cgi",
        official: Some("php:8.4-cli"),
        dockerfile: include_str!("../images/php-cgi/Dockerfile"),
        files: &[],
    },
    ImageSpec {
        name: "libfcgi",
        official: None,
        dockerfile: include_str!("../images/libfcgi/Dockerfile"),
        files: &[("probe.c", libfcgi::SOURCE)],
    },
    ImageSpec {
        name: "flup",
        official: None,
        dockerfile: include_str!("../images/flup/Dockerfile"),
        files: &[],
    },
];

/// The image of the subject with this plain name.
pub fn find(name: &str) -> Option<&'static ImageSpec> {
    IMAGES.iter().find(|spec| spec.name == name)
}

/// Prepares the named images, all if none is named: each is pulled, or built where it cannot be.
///
/// # Errors
/// A name that the bench does not know, or the first image that can neither be pulled nor built.
pub async fn prepare(
    engine: &Engine,
    names: &[String],
    observer: &mut dyn Observer,
) -> Result<Vec<Image>, ImageError> {
    let specs = select(names)?;
    let mut images = Vec::new();
    for spec in specs {
        let image = image::renew(engine, spec, observer).await?;
        let note = format!("{}: {} ({})", spec.name, image.tag, image.origin);
        observer.event(&Event::Note(&note));
        images.push(image);
    }
    Ok(images)
}

fn select(names: &[String]) -> Result<Vec<&'static ImageSpec>, ImageError> {
    if names.is_empty() {
        return Ok(IMAGES.iter().collect());
    }
    let known = |name: &String| find(name).ok_or_else(|| unknown(name));
    names.iter().map(known).collect()
}

fn unknown(name: &str) -> ImageError {
    let known: Vec<&str> = IMAGES.iter().map(|spec| spec.name).collect();
    ImageError::Unknown {
        name: name.to_owned(),
        known: known.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_official_image_is_pinned_to_a_version() {
        for spec in IMAGES {
            let Some(official) = spec.official else {
                continue;
            };
            let (_, tag) = official.split_once(':').unwrap();
            assert!(tag.starts_with(|c: char| c.is_ascii_digit()), "{tag}");
        }
    }

    #[test]
    fn every_dockerfile_builds_on_the_base() {
        for spec in IMAGES {
            let from = format!("\nFROM {}\n", image::BASE);
            assert!(spec.dockerfile.contains(&from), "{}", spec.name);
        }
    }

    #[test]
    fn an_unknown_image_lists_the_known_ones() {
        let error = select(&["ngnix".to_owned()]).unwrap_err();
        let known: Vec<&str> = IMAGES.iter().map(|spec| spec.name).collect();
        let said = "no image is known for `ngnix`; known are: ";
        assert_eq!(error.to_string(), format!("{said}{}", known.join(", ")));
    }
}
