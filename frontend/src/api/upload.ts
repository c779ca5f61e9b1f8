/** Sending files with visible progress, which fetch cannot tell. */
import { csrfToken, type Schemas } from "./client";
import { Cancelled, errorFrom, NetworkError } from "./errors";

/** Send one picture for a campaign's guideline. */
export async function uploadPicture(slug: string, file: File): Promise<Schemas["PictureOutput"]> {
  const form = new FormData();
  form.append("file", file, "picture");
  return sent(`/api/v1/campaigns/${encodeURIComponent(slug)}/pictures`, form, () => undefined);
}

/** Ask for a run that begins with a model's file. */
export function uploadRun(
  slug: string,
  asked: Schemas["RunInputRequest"],
  file: File,
): Promise<Schemas["RunOutput"]> {
  const form = new FormData();
  for (const [name, value] of Object.entries(asked)) {
    form.append(name, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  form.append("file", file, file.name);
  return sent(`/api/v1/campaigns/${encodeURIComponent(slug)}/runs`, form, () => undefined);
}

/** Send files to be imported: all of them, or, where `signal` stops it, none. */
export function uploadFiles(
  slug: string,
  files: readonly File[],
  onShare: (share: number) => void,
  signal?: AbortSignal,
): Promise<Schemas["ImportOutput"]> {
  const form = new FormData();
  // Before the files: by it the server knows when they were cut short, and takes none.
  form.append("size", String(files.reduce((sum, { size }) => sum + size, 0)));
  for (const file of files) form.append("files", file, file.name);
  return sent(`/api/v1/campaigns/${encodeURIComponent(slug)}/imports`, form, onShare, signal);
}

function sent<T>(
  address: string,
  form: FormData,
  onShare: (share: number) => void,
  signal?: AbortSignal,
): Promise<T> {
  const request = new XMLHttpRequest();
  request.open("POST", address);
  request.setRequestHeader("X-CSRFToken", csrfToken());
  request.responseType = "json";
  // Closing the window would end it; a way inside the page does not.
  const stay = (event: BeforeUnloadEvent) => event.preventDefault();
  addEventListener("beforeunload", stay);
  request.onloadend = () => removeEventListener("beforeunload", stay);
  return new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => onShare(total > 0 ? loaded / total : 0);
    request.onerror = () => reject(new NetworkError());
    request.onabort = () => reject(new Cancelled());
    signal?.addEventListener("abort", () => request.abort());
    request.onload = () => {
      const body: unknown = request.response;
      if (request.status === 201) resolve(body as T);
      else reject(errorFrom(request.status, body));
    };
    request.send(form);
  });
}
