/** Shapes of the REST API until the generated schema takes their place. */
export interface User {
  id: number;
  username: string;
  name: string;
  is_administrator: boolean;
  language: string;
}
export interface Counts {
  total: number;
  open: number;
  reading: number;
  review: number;
  settled: number;
  excluded: number;
}
export interface LabelClass {
  index: number;
  name: string;
  colour: string;
  retired: boolean;
}
export interface CampaignCard {
  slug: string;
  name: string;
  kind: string;
  state: "draft" | "open" | "closed";
  description: string;
  roles: string[];
  counts: Counts;
  mine: { submitted: number; waiting: number; to_review: number };
  champion: { number: number; dice: number | null } | null;
}
export interface Campaign extends CampaignCard {
  readers_per_task: number;
  review: "none" | "all";
  lease_minutes: number;
  suggestions: "on" | "off";
  suggestion_dice: number;
  blind_share: number;
  strategy: string;
  training: Record<string, number | string | boolean | null>;
  classes: LabelClass[];
}
export interface Image {
  id: number;
  series: number;
  index: number;
  rows: number;
  columns: number;
  channels: number;
  dtype: string;
  bits: number;
  slope: number;
  intercept: number;
  photometric: string;
  spacing: number[] | null;
  window: { center: number; width: number } | null;
  modality: string;
  patient_key: string;
  pixels_url: string;
  thumbnail_url: string;
  sha256: string;
}
export interface Series {
  id: number;
  modality: string;
  count: number;
  frames: Image[];
}
export interface Assignment {
  id: number;
  campaign: string;
  slot: string;
  state: string;
  token: string;
  leased_until: string;
  round: number;
  server_time: string;
  task: { id: number; case: string };
  image: Image;
  series: { id: number; index: number; count: number };
  why: {
    share: string;
    strategy: string | null;
    score: number | null;
    rank: number | null;
    of: number | null;
    model_number: number | null;
  };
  suggestion: { id: number; model_number: number; mask_url: string } | null;
  draft: { sequence: number; mask: string; seconds?: number } | null;
  returned: { comment: string; mask: string } | null;
}
export interface Lease {
  leased_until: string;
  server_time: string;
}
