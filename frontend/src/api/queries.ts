/** What the pages ask of the server, by key, so that two pages share one answer. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { body, client } from "./client";

const of = (slug: string) => ({ params: { path: { slug } } });

export const campaignsQuery = () =>
  queryOptions({
    queryKey: ["campaigns"],
    queryFn: () => body(client.GET("/api/v1/campaigns")),
    refetchInterval: 15_000,
  });

export const campaignQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}", of(slug))),
  });

/** The live numbers: asked for every two seconds while the page is looked at. */
export const progressQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "progress"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/progress", of(slug))),
    refetchInterval: 2000,
  });

export const answersQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "answers"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/answers", of(slug))),
    refetchInterval: 10_000,
  });

export const picturesQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "pictures"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/pictures", of(slug))),
    staleTime: 60_000,
  });

export const learningQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "learning"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/learning", of(slug))),
    refetchInterval: 2000,
  });

export const unreadableQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "unreadable"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/unreadable", of(slug))),
  });

export const membersQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "members"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/members", of(slug))),
  });

export const reviewsQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "reviews"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/reviews", of(slug))),
    refetchInterval: 10_000,
  });

export const flagsQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "flags"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/flags", of(slug))),
    refetchInterval: 10_000,
  });

export const modelsQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "models"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/models", of(slug))),
    refetchInterval: 5000,
  });

export const shadowQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "shadow"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/shadow", of(slug))),
    refetchInterval: 15_000,
  });

export const donorsQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "donors"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/donors", of(slug))),
  });

export const runsQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "runs"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/runs", of(slug))),
    refetchInterval: 5000,
  });

export const runQuery = (slug: string, id: number) =>
  queryOptions({
    queryKey: ["campaign", slug, "runs", id],
    queryFn: () => body(client.GET("/api/v1/runs/{id}", { params: { path: { id } } })),
    refetchInterval: 2000,
  });

export const modelQuery = (slug: string, id: number) =>
  queryOptions({
    queryKey: ["campaign", slug, "models", id],
    queryFn: () => body(client.GET("/api/v1/models/{id}", { params: { path: { id } } })),
    refetchInterval: ({ state }) => (state.data?.robustness_asked ? 5000 : false),
  });

/** Looked at again while it is being made. */
export const onnxQuery = (id: number) =>
  queryOptions({
    queryKey: ["model", id, "onnx"],
    queryFn: () => body(client.GET("/api/v1/models/{id}/onnx", { params: { path: { id } } })),
    refetchInterval: ({ state }) =>
      ["queued", "running"].includes(state.data?.file?.state ?? "") ? 2000 : false,
  });

/** `against` is the other model's number. */
export const compareQuery = (slug: string, id: number, against: number) =>
  queryOptions({
    queryKey: ["campaign", slug, "models", id, "against", against],
    queryFn: () =>
      body(
        client.GET("/api/v1/models/{id}/compare", {
          params: { path: { id }, query: { against } },
        }),
      ),
  });

export const neighboursQuery = (assignment: number) =>
  queryOptions({
    queryKey: ["neighbours", assignment],
    queryFn: () =>
      body(
        client.GET("/api/v1/assignments/{id}/neighbours", { params: { path: { id: assignment } } }),
      ),
  });

export const exportsQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "exports"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/exports", of(slug))),
    refetchInterval: 3000,
  });

export const importsQuery = (slug: string) =>
  queryOptions({
    queryKey: ["campaign", slug, "imports"],
    queryFn: () => body(client.GET("/api/v1/campaigns/{slug}/imports", of(slug))),
    refetchInterval: 2000,
  });

/** A batch and its files, a page at a time; looked at again while it is on its way in. */
export const importQuery = (id: number) =>
  infiniteQueryOptions({
    queryKey: ["import", id],
    queryFn: ({ pageParam }) =>
      body(
        client.GET("/api/v1/imports/{id}", {
          params: { path: { id }, query: pageParam ? { after: pageParam } : {} },
        }),
      ),
    initialPageParam: 0,
    getNextPageParam: (page) => page.next,
    refetchInterval: ({ state }) =>
      state.data?.pages.every((page) => page.joined_at !== null) ? false : 2000,
  });
