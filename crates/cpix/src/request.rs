use cenc::{Kid, Scheme};
use pack::SystemId;

use crate::sealed::write_delivery_key;
use crate::write::{open, open_key, uuid, write_rules};
use crate::xml::put;
use crate::{Recipient, TrackFilter, UsageRule};

/// What a key server is asked for (SPEKE v2, a profile of CPIX 2.3): one key for all tracks of a film, and
/// what some systems are to be told of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// What the film is called towards the server.
    pub content_id: &'a str,
    /// The key's name, which the one who asks chooses.
    pub kid: Kid,
    /// The scheme it is for.
    pub scheme: Scheme,
    /// The systems. FairPlay has no `pssh`, and nothing in DASH.
    pub systems: &'a [SystemId],
    /// Whom the server is to encrypt the key for; none: the key is to come in the clear.
    pub recipient: Option<&'a Recipient>,
}

impl Request<'_> {
    /// The document: what is asked for stands in it empty.
    pub fn to_xml(&self) -> String {
        let mut out = String::new();
        open(&mut out, Some(self.content_id), self.recipient.is_some());
        if let Some(recipient) = self.recipient {
            out.push_str("  <cpix:DeliveryDataList>\n    <cpix:DeliveryData>\n");
            write_delivery_key(&mut out, recipient);
            out.push_str("    </cpix:DeliveryData>\n  </cpix:DeliveryDataList>\n");
        }
        out.push_str("  <cpix:ContentKeyList>\n");
        open_key(&mut out, self.kid, Some(self.scheme));
        out.push_str("/>\n  </cpix:ContentKeyList>\n  <cpix:DRMSystemList>\n");
        let kid = uuid(self.kid);
        for id in self.systems {
            put(&mut out, format_args!("    <cpix:DRMSystem kid=\"{kid}\" systemId=\"{id}\">\n"));
            if *id != SystemId::FAIRPLAY {
                out.push_str("      <cpix:PSSH/>\n      <cpix:ContentProtectionData/>\n");
            }
            for playlist in ["media", "master"] {
                put(&mut out, format_args!("      <cpix:HLSSignalingData playlist=\"{playlist}\"/>\n"));
            }
            out.push_str("    </cpix:DRMSystem>\n");
        }
        out.push_str("  </cpix:DRMSystemList>\n");
        let tracks = vec![TrackFilter::VIDEO, TrackFilter::AUDIO];
        write_rules(&mut out, &[UsageRule { kid: self.kid, periods: Vec::new(), tracks }]);
        out.push_str("</cpix:CPIX>\n");
        out
    }
}
