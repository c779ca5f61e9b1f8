/** What the workstation asks of the server, as an interface, so that it can be run without one. */
import {
  type Assignment,
  body,
  bytes,
  client,
  type Recent,
  type Schemas,
  type Series,
} from "../api/client";

export interface Server {
  lease(campaign: string, slot: "current" | "next"): Promise<Assignment | null>;
  assignment(id: number): Promise<Assignment>;
  renew(id: number, token: string): Promise<Schemas["RenewOutput"]>;
  release(id: number, token: string, reason: string): Promise<void>;
  draft(id: number, draft: Schemas["DraftInputRequest"]): Promise<Schemas["DraftSaved"]>;
  submit(id: number, work: Schemas["SubmitInputRequest"]): Promise<Schemas["SubmitOutput"]>;
  submitSeries(
    id: number,
    work: Schemas["SeriesInputRequest"],
  ): Promise<Schemas["SeriesSubmitted"]>;
  /** What the model draws on the frames of a series, all of them in one answer. */
  suggestions(id: number): Promise<Schemas["SuggestionsOutput"]>;
  recent(campaign: string): Promise<Recent[]>;
  amend(annotation: number, work: Schemas["AmendInputRequest"]): Promise<Schemas["SubmitOutput"]>;
  series(id: number): Promise<Series>;
  /** The model's maps of a case, and whether more of them are being made. */
  maps(id: number): Promise<Schemas["MapsOutput"]>;
  /** Ask for the map that takes long; samples have nobody to ask. */
  askMaps?(id: number): Promise<Schemas["MapsOutput"]>;
  bytes(url: string): Promise<ArrayBuffer>;
}

const at = (id: number) => ({ path: { id } });

export const restServer: Server = {
  async lease(slug, slot) {
    const answer = await client.POST("/api/v1/campaigns/{slug}/lease", {
      params: { path: { slug } },
      body: { slot },
    });
    return answer.response.status === 204 ? null : (answer.data ?? null);
  },
  assignment: (id) => body(client.GET("/api/v1/assignments/{id}", { params: at(id) })),
  renew: (id, token) =>
    body(client.POST("/api/v1/assignments/{id}/renew", { params: at(id), body: { token } })),
  async release(id, token, reason) {
    await client.POST("/api/v1/assignments/{id}/release", {
      params: at(id),
      body: { token, reason },
    });
  },
  draft: (id, draft) =>
    body(client.PUT("/api/v1/assignments/{id}/draft", { params: at(id), body: draft })),
  submit: (id, work) =>
    body(client.POST("/api/v1/assignments/{id}/submit", { params: at(id), body: work })),
  submitSeries: (id, work) =>
    body(client.POST("/api/v1/assignments/{id}/series", { params: at(id), body: work })),
  suggestions: (id) => body(client.GET("/api/v1/assignments/{id}/suggestions", { params: at(id) })),
  recent: (slug) =>
    body(client.GET("/api/v1/campaigns/{slug}/recent", { params: { path: { slug } } })),
  amend: (id, work) =>
    body(client.POST("/api/v1/annotations/{id}/amend", { params: at(id), body: work })),
  series: (id) => body(client.GET("/api/v1/series/{id}", { params: at(id) })),
  maps: (id) => body(client.GET("/api/v1/assignments/{id}/maps", { params: at(id) })),
  askMaps: (id) => body(client.POST("/api/v1/assignments/{id}/maps", { params: at(id) })),
  bytes: (url) => bytes(url),
};
