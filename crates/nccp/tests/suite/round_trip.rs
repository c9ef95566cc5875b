//! What is written reads as the same, and hostile input is refused without a panic.

use nccp::xml::{self, Limits};
use nccp::*;
use proptest::prelude::*;

use crate::{HEAD, movie};

/// Text as the protocol carries it: without white space at its ends, of characters that XML can hold.
fn text() -> impl Strategy<Value = String> {
    "[ -~äß\u{1F39E}<>&\"']{0,20}".prop_map(|s| format!("x{s}x"))
}

fn millis() -> impl Strategy<Value = f64> {
    (0u64..100_000_000).prop_map(|n| n as f64 / 1000.0)
}

fn metadata() -> impl Strategy<Value = MovieMetadata> {
    let art =
        (text(), any::<u32>(), any::<u32>()).prop_map(|(url, width, height)| Art { url, width, height });
    let track = (text(), proptest::option::of(text()), proptest::option::of(text()))
        .prop_map(|(media_type, language, label)| Track { media_type, language, label });
    let chapter = (millis(), text()).prop_map(|(start, title)| Chapter { start, title });
    (
        (text(), any::<Option<u16>>(), proptest::collection::vec(text(), 0..3), proptest::option::of(text())),
        (millis(), proptest::option::of(text())),
        proptest::collection::vec(art, 0..3),
        proptest::collection::vec(track, 0..3),
        proptest::collection::vec(chapter, 0..3),
    )
        .prop_map(|((title, year, cast, synopsis), (runtime, rating), art, tracks, chapters)| {
            MovieMetadata { title, year, cast, synopsis, runtime, rating, art, tracks, chapters }
        })
}

fn ids() -> impl Strategy<Value = MovieId> {
    (0..MAX_INTEGER).prop_map(movie)
}

fn device() -> impl Strategy<Value = DeviceId> {
    "d-[A-Za-z0-9_-]{1,64}".prop_map(|s| s.parse().unwrap())
}

fn grant() -> impl Strategy<Value = ShownGrant> {
    ("[!-~]{1,200}", proptest::option::of("[!-~]{1,100}"))
        .prop_map(|(token, origin)| ShownGrant { token, origin })
}

fn message() -> impl Strategy<Value = RequestMessage> {
    let octets = || proptest::collection::vec(any::<u8>(), 1..200);
    let counters = proptest::collection::vec(("[a-z_]{1,32}", any::<u64>()), 0..4);
    prop_oneof![
        Just(RequestMessage::Ping),
        Just(RequestMessage::AccountInfo),
        Just(RequestMessage::Queue),
        (octets(), text(), text(), proptest::option::of(grant())).prop_map(
            |(certificate, name, machine, grant)| RequestMessage::Register(Register {
                certificate,
                name,
                machine,
                grant
            })
        ),
        device().prop_map(|device_id| RequestMessage::AuthenticationRenewal { device_id }),
        ids().prop_map(|movie_id| RequestMessage::MovieMetadata { movie_id }),
        ids().prop_map(|movie_id| RequestMessage::UserMovieMetadata { movie_id }),
        ids().prop_map(|movie_id| RequestMessage::Authorization { movie_id }),
        (ids(), octets()).prop_map(|(stream_id, challenge)| RequestMessage::License { stream_id, challenge }),
        (ids(), millis(), counters, proptest::option::of("[0-9a-f]{1,64}")).prop_map(
            |(movie_id, position, counters, policy_version)| RequestMessage::LogBlob(LogBlob {
                movie_id,
                position,
                event: LogEvent::Seek,
                counters,
                policy_version
            })
        ),
        (ids(), device()).prop_map(|(movie_id, device_id)| RequestMessage::Takeover { movie_id, device_id }),
        octets().prop_map(|certificate| RequestMessage::ActivationCode { certificate }),
    ]
}

fn downloadable() -> impl Strategy<Value = Downloadable> {
    let range = || {
        proptest::option::of((0u64..1000, 0u64..1000))
            .prop_map(|r| r.map(|(a, n)| ByteRange::new(a, a + n).unwrap()))
    };
    let url = (any::<u64>(), any::<u32>(), "[!-~]{1,40}").prop_map(|(expiration, cdn_id, url)| DownloadUrl {
        expiration,
        cdn_id,
        url,
    });
    let key = (any::<[u8; 16]>(), any::<u64>()).prop_map(|(kid, start)| KeyPeriod { kid, start });
    (
        (
            "[0-9]{10}",
            any::<u64>(),
            any::<u32>(),
            proptest::collection::vec(url, 0..3),
            any::<bool>(),
            text(),
        ),
        (range(), range(), range(), any::<Option<u64>>(), proptest::collection::vec(key, 0..3)),
        (any::<u32>(), proptest::option::of((any::<u64>(), 1..u64::MAX)), any::<Option<u16>>(), text()),
    )
        .prop_map(|((id, size, bitrate, urls, video, word), (init, index, start, ticks, keys), rest)| {
            let (timescale, rate, channels, pack_id) = rest;
            Downloadable {
                id,
                size,
                bitrate,
                content_profile: if video {
                    ContentProfile::of("avc1.64001F", Scheme::Cenc)
                } else {
                    ContentProfile::of("Opus", Scheme::Cbcs)
                },
                urls,
                resolution: video.then_some(Resolution { width: 1280, height: 720 }),
                media_type: if video { MediaType::Video } else { MediaType::Audio },
                mime_type: "video/mp4".into(),
                codecs: word.clone(),
                group: word.clone(),
                peak_bandwidth: size,
                timescale,
                frame_rate: rate.map(|(n, d)| Fraction::new(n, d).unwrap()),
                sar: video.then(|| "1:1".into()),
                video_range: video.then(|| "SDR".into()),
                sample_rate: Some(timescale),
                channels,
                language: Some(word.clone()),
                role: None,
                label: Some(word),
                default: video,
                scheme: Scheme::Cenc,
                level: Level::Medium,
                pack_id,
                init_range: init,
                index_range: index,
                start_range: start,
                start_time: ticks,
                max_segment: ticks,
                keys,
            }
        })
}

fn manifest() -> impl Strategy<Value = Manifest> {
    let cmcd = proptest::option::of("[0-9a-zA-Z]{1,64}");
    let cdn = (any::<u32>(), text(), any::<u32>(), cmcd).prop_map(|(id, name, weight, cmcd)| Cdn {
        id,
        name,
        weight,
        ranges: RangeForm::Path,
        cmcd,
    });
    (
        (ids(), millis(), any::<u64>(), proptest::option::of((any::<u64>(), 1..u64::MAX))),
        proptest::collection::vec(cdn, 0..3),
        proptest::collection::vec(downloadable(), 0..3),
        (
            proptest::option::of(proptest::collection::vec(any::<u8>(), 1..100)),
            proptest::option::of("http://[a-z/?&=]{1,30}"),
            mode(),
            proptest::option::of("[0-9a-f]{1,64}"),
        ),
    )
        .prop_map(|((movie_id, resume_position, expiration, duration), cdns, downloadables, drm)| {
            let (drm_metadata, drm_metadata_url, license_mode, policy_version) = drm;
            let live = drm_metadata_url.as_ref().filter(|_| duration.is_none()).map(|url| LiveManifest {
                availability_start: 1_790_000_000.0 + resume_position.floor(),
                window: 300.0,
                target_latency: 2.5,
                index_url: url.clone(),
                other_index_urls: cdns.iter().skip(1).map(|cdn: &Cdn| (cdn.id, url.clone())).collect(),
            });
            // Texts and pictures of the same files as the rest.
            let urls = || downloadables.first().map(|d: &Downloadable| d.urls.clone()).unwrap_or_default();
            let count = u32::try_from(downloadables.len()).unwrap_or(0);
            let text_tracks = downloadables.iter().map(|d| TextTrack {
                id: d.id.clone(),
                language: "de".into(),
                role: "forced".into(),
                label: d.label.clone(),
                default: d.default,
                size: d.size,
                urls: d.urls.clone(),
            });
            let trick_play = downloadables.first().map(|d| TrickPlay {
                interval: d.bitrate,
                resolution: Resolution { width: 320, height: 180 },
                count,
                size: d.size,
                urls: urls(),
                columns: if d.default { count } else { 0 },
                rows: if d.default { 10 } else { 0 },
                sheets: if d.default { vec![urls(), Vec::new()] } else { Vec::new() },
            });
            Manifest {
                text_tracks: text_tracks.collect(),
                trick_play,
                movie_id,
                movie_type: if live.is_some() { MovieType::Dynamic } else { MovieType::Static },
                live,
                duration: duration.map(|(n, d)| Fraction::new(n, d).unwrap()),
                resume_position,
                expiration,
                cdns,
                downloadables,
                drm_metadata,
                stream_url: drm_metadata_url.clone(),
                transport: match &drm_metadata_url {
                    Some(_) => Transport::WebSocket,
                    None => Transport::Ranges,
                },
                drm_metadata_url,
                license_mode,
                policy_version,
                reports: expiration.is_multiple_of(2).then(|| Reports {
                    url: "https://films.example.org/cmcd".to_owned(),
                    content: "0123456789abcdef".to_owned(),
                    downloads: expiration.is_multiple_of(4),
                }),
            }
        })
}

fn rules() -> impl Strategy<Value = NewRules> {
    (proptest::collection::vec(any::<u8>(), 1..300), proptest::option::of("[0-9a-f]{1,64}"))
        .prop_map(|(drm_metadata, policy_version)| NewRules { drm_metadata, policy_version })
}

fn mode() -> impl Strategy<Value = LicenseMode> {
    prop_oneof![Just(LicenseMode::Server), Just(LicenseMode::Embedded)]
}

fn answer() -> impl Strategy<Value = ResponseMessage> {
    let registration = || {
        let key = ("[a-z]{1,8}", any::<u64>(), proptest::collection::vec(any::<u8>(), 1..300))
            .prop_map(|(domain, epoch, key)| nccp::DomainKey { domain, epoch, key });
        let keys = proptest::collection::vec(key, 0..4);
        (device(), "[A-Za-z0-9_-]{1,80}", any::<u64>(), any::<u64>(), keys).prop_map(
            |(device_id, ticket, expiration, renewal, domain_keys)| Registration {
                device_id,
                ticket,
                expiration,
                renewal,
                domain_keys,
            },
        )
    };
    let view = (any::<u64>(), any::<u64>(), millis()).prop_map(|(started, seen, position)| View {
        started,
        seen,
        position,
    });
    let queued =
        (ids(), metadata(), millis(), mode()).prop_map(|(movie_id, metadata, position, license_mode)| {
            QueueMovie { movie_id, metadata, position, license_mode }
        });
    prop_oneof![
        (any::<u64>(), text()).prop_map(|(time, version)| ResponseMessage::Ping { time, version }),
        registration().prop_map(ResponseMessage::Register),
        registration().prop_map(ResponseMessage::AuthenticationRenewal),
        (text(), text(), text(), any::<u32>(), any::<u32>()).prop_map(
            |(name, plan, device_name, devices, device_limit)| ResponseMessage::AccountInfo(AccountInfo {
                name,
                plan,
                device_name,
                devices,
                device_limit
            })
        ),
        proptest::collection::vec(queued, 0..3).prop_map(ResponseMessage::Queue),
        (ids(), metadata())
            .prop_map(|(movie_id, metadata)| ResponseMessage::MovieMetadata { movie_id, metadata }),
        (ids(), millis(), proptest::collection::vec(view, 0..3)).prop_map(|(movie_id, position, history)| {
            ResponseMessage::UserMovieMetadata(UserMovieMetadata { movie_id, position, history })
        }),
        manifest().prop_map(|m| ResponseMessage::Authorization(Box::new(m))),
        (
            ids(),
            proptest::collection::vec(any::<u8>(), 1..300),
            proptest::option::of("[0-9a-f]{1,64}"),
            any::<Option<u64>>()
        )
            .prop_map(|(stream_id, license, policy_version, lease)| ResponseMessage::License {
                stream_id,
                license,
                policy_version,
                lease
            }),
        ids().prop_map(|movie_id| ResponseMessage::Takeover { movie_id }),
        (
            ids(),
            any::<u64>(),
            proptest::option::of(rules()),
            any::<Option<u64>>(),
            proptest::option::of("[A-Za-z]{0,20}"),
            any::<bool>()
        )
            .prop_map(|(movie_id, accepted, rules, lease, stopped, refused)| {
                ResponseMessage::LogBlob {
                    movie_id,
                    accepted,
                    rules,
                    lease,
                    stopped,
                    refused: refused.then(|| ErrorCode::NotSubscribed.into()),
                }
            }),
        Just(ResponseMessage::ActivationCode(Activation::Pending)),
        (text(), any::<u64>(), any::<u64>(), any::<bool>()).prop_map(
            |(code, interval, expiration, pending)| {
                ResponseMessage::ActivationCode(Activation::Code { code, interval, expiration, pending })
            }
        ),
        registration().prop_map(|r| ResponseMessage::ActivationCode(Activation::Registered(r))),
    ]
}

/// What is signed for somebody else are messages, not text: whatever stands in them stays within.
#[test]
fn composed_messages_are_checked_and_written_anew() {
    use nccp::xml::Element;

    let ping = || Element::new("ping");
    assert_eq!(Messages::of(&[]), Err(Error::MessageCount));
    assert_eq!(Messages::of(&vec![ping(); 17]), Err(Error::MessageCount));
    for name in ["later", "", "response", "ping/><nccp:queue", "Ping"] {
        assert_eq!(Messages::of(&[Element::new(name)]), Err(Error::UnknownMessage), "{name}");
    }
    for name in ["", "a b", "a/><nccp:ping", "x:a", "xmlns", "A", "a".repeat(33).as_str()] {
        assert!(Messages::of(&[ping().child(Element::new(name))]).is_err(), "{name}");
        assert!(Messages::of(&[ping().attr(name, "x")]).is_err(), "{name}");
    }
    let nested = |depth| (0..depth).fold(Element::new("a"), |inner, _| Element::new("a").child(inner));
    assert!(Messages::of(&[ping().child(nested(5))]).is_ok());
    assert!(Messages::of(&[ping().child(nested(6))]).is_err());
    assert!(Messages::of(&[ping().children(vec![Element::new("a"); 4096])]).is_err());
    assert_eq!(Messages::of(&[Element::with_text("ping", "a".repeat(256 << 10))]), Err(Error::TooLarge));

    let text = r#"</nccp:ping><nccp:queue/>"><![CDATA["#;
    let messages = Messages::of(&[ping().attr("later", text).text_child("later", text)]).unwrap();
    let body = nccp::seal_envelope(None, nccp::Sequence::try_from(1).unwrap(), 2, "test", messages.as_xml());
    assert_eq!(Request::parse(body.as_bytes()).unwrap().messages, [RequestMessage::Ping]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn composed_messages_are_the_messages(messages in proptest::collection::vec(message(), 1..16)) {
        let elements: Vec<_> = messages.iter().map(RequestMessage::to_element).collect();
        let xml: String = messages.iter().map(RequestMessage::to_xml).collect();
        let composed = nccp::Messages::of(&elements).unwrap();
        prop_assert_eq!(composed.as_xml(), xml.as_str());
    }

    #[test]
    fn requests_round_trip(
        device in proptest::option::of(device()),
        sequence in 1..MAX_INTEGER,
        time in 0..MAX_INTEGER,
        client in text(),
        messages in proptest::collection::vec(message(), 1..16),
    ) {
        let request = Request { device, sequence: Sequence::try_from(sequence).unwrap(), time, client, messages };
        prop_assert_eq!(Request::parse(request.to_xml().as_bytes()).unwrap(), request);
    }

    #[test]
    fn answers_round_trip(
        sequence: u64,
        time: u64,
        answers in proptest::collection::vec(answer(), 0..4),
        playing in proptest::collection::vec(
            (device(), "[A-Za-z]{1,20}", proptest::option::of("[ -~]{1,20}"), any::<Option<u64>>()),
            0..3,
        ),
    ) {
        let mut answers: Vec<_> = answers.into_iter().map(Answer::Done).collect();
        answers.push(Answer::Failed { message: MessageName::License, error: ErrorCode::TryLater.into() });
        let playing = playing.into_iter().map(|(device_id, name, title, since)| Playing { device_id, name, title, since }).collect();
        let error = WireError { playing, ..ErrorCode::StreamLimit.into() };
        answers.push(Answer::Failed { message: MessageName::License, error });
        let response = Response { sequence, time, outcome: Outcome::Answers(answers) };
        prop_assert_eq!(Response::parse(response.to_xml().as_bytes()).unwrap(), response);
    }

    #[test]
    fn readers_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = Request::parse(&bytes);
        let _ = Response::parse(&bytes);
        let _ = Manifest::parse(&bytes);
    }

    /// Octets that get further than noise does: pieces of the language in any order.
    #[test]
    fn readers_never_panic_on_torn_documents(pieces in proptest::collection::vec(
        prop::sample::select(vec![HEAD, "</nccp:request>", "<nccp:license stream_id=\"1\">", "</nccp:license>", "<nccp:challenge>",
            "</nccp:challenge>", "AAAA", "=", "&#x", "&amp;", ";", "<![CDATA[", "]]>", "<!--", "-->", "<?xml ", "?>", "<!DOCTYPE", ">",
            "<", "\"", "é", "xmlns=\"", "<nccp:logblob movie_id='1'>", "<nccp:position>1", "</nccp:position>", "</nccp:logblob>", "<nccp:ping/>"]), 0..30)) {
        let text: String = pieces.concat();
        let _ = Request::parse(text.as_bytes());
        let _ = xml::parse(text.as_bytes(), Limits::RESPONSE);
        let _ = RangeHeader::parse(&text);
        let _ = text.parse::<ByteRange>();
        let _ = text.parse::<Fraction>();
    }

    #[test]
    fn a_torn_manifest_is_an_error_not_a_panic(manifest in manifest(), cut in 0.0..1.0f64) {
        let xml = manifest.to_xml();
        let mut end = (xml.len() as f64 * cut) as usize;
        while !xml.is_char_boundary(end) { end -= 1; }
        prop_assert!(Manifest::parse(&xml.as_bytes()[..end]).is_err());
    }
}
